// A wrong command line.

/** A wrong command line: what is wrong, without a full stop. The exit status is 2. */
export class Misuse extends Error {}

/** A wrong command line that names a command which does not exist. */
export class UnknownCommand extends Misuse {}

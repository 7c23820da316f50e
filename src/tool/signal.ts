// Signals by name.

/**
 * The signals from 1 on, as signal(7) has them for every processor that Pontoon runs on
 * (asm-generic/signal.h).
 */
const names = () =>
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " ",
  );

// The C library takes the first two real-time signals for itself, so programs count from 34 on.
const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/**
 * The name of a signal, as `kill -l` says it: SIGTERM, SIGRTMIN+3, SIGRTMAX; `signal N` for one without a
 * name.
 */
export function signalName(signal: number): string {
  const name = names()[signal - 1];
  if (name !== undefined) return `SIG${name}`;
  if (signal < FIRST_REAL_TIME || signal > LAST_REAL_TIME) return `signal ${signal}`;
  const [fromFirst, toLast] = [signal - FIRST_REAL_TIME, LAST_REAL_TIME - signal];
  if (fromFirst <= toLast) return fromFirst === 0 ? "SIGRTMIN" : `SIGRTMIN+${fromFirst}`;
  return toLast === 0 ? "SIGRTMAX" : `SIGRTMAX-${toLast}`;
}

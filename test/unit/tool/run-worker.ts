// Runs the program that its arguments name by src/tool and prints what came of it; stdin of the program is
// "the input".
import "../../support/native.ts";
import { runProgram } from "../../../src/tool/program.ts";

const [file = "", ...args] = process.argv.slice(2);
console.log(
  JSON.stringify(
    runProgram({ file, args, env: { PATH: process.env["PATH"], OWN: "yes" }, stdin: "the input" }),
  ),
);

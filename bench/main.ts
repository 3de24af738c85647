import { runProgram } from "./Program.ts"
await runProgram(process.argv[3]!)

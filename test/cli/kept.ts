/**
 * A process that runs one command after the other, each as if it were alone, and answers how it ended: most of what a
 * command takes is the start of its process.
 */
import { main } from "../../src/cli/CommandLine.ts"
import type { Ended } from "./harness.ts"

const ended = (args: ReadonlyArray<string>): Promise<Ended> =>
  new Promise((resolve) => {
    const said = { out: "", err: "" }
    const hearing =
      (where: keyof typeof said): typeof process.stdout.write =>
      (chunk: string | Uint8Array) => {
        said[where] += String(chunk)
        return true
      }
    process.stdout.write = hearing("out")
    process.stderr.write = hearing("err")
    // it returns, unlike the one it stands for: nothing of a command comes after it
    process.exit = ((code?: number) => {
      process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM")
      process.stdout.removeAllListeners("error")
      resolve({ code: code ?? 0, ...said })
    }) as typeof process.exit
    process.argv = [...process.argv.slice(0, 2), ...args]
    main()
  })

process.on("message", (args) => {
  // only the harness sends messages
  void ended(args as ReadonlyArray<string>).then((answer) => process.send?.(answer))
})

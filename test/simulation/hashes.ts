/**
 * Prints the trace hashes of seeds, one per line, to be compared between versions of Node and between machines:
 * `node test/simulation/hashes.ts 1 50`.
 */
import { runFleet } from "../../src/simulation/Fleet.ts"

const [from = 1, to = 50] = process.argv.slice(2).map(Number)
for (let seed = from; seed <= to; seed++) {
  const { hash, steps } = runFleet({ seed })
  process.stdout.write(`${seed} ${hash} ${steps}\n`)
}

/** Plays one scenario: `node scenario.ts <name> <directory>`; several may follow each other. Tells on standard output. */
import * as Effect from "effect/Effect"
import { tellParent } from "./Line.ts"
import { play, scenarioNames } from "./Scenarios.ts"

const words = process.argv.slice(2)
for (let i = 0; i + 1 < words.length; i += 2) {
  const name = scenarioNames.find((known) => known === words[i])
  const directory = words[i + 1]
  if (name === undefined || directory === undefined) throw new Error(`no such scenario: ${words[i]}`)
  await Effect.runPromise(play(name, directory, tellParent))
}

/** A process of its own for one slice of a part: `slice.ts <part> <position> <seconds>`; its last line is the result. */
import { parts } from "./parts/index.ts"

const [name, position, seconds] = process.argv.slice(2)
const part = parts.find((each) => each.name === name)
if (part === undefined) throw new Error(`no part ${name}`)
const until = Date.now() + Number(seconds) * 1000
const result = await part.run({ position: Number(position), goOn: () => Date.now() < until })
process.stdout.write(`${JSON.stringify(result)}\n`)

/** Prints how fast fleets are simulated: `node test/simulation/speed.ts [seconds]`. */
import { faults } from "../../src/simulation/Fault.ts"
import { runFleet } from "../../src/simulation/Fleet.ts"

const seconds = Number(process.argv[2] ?? 20)
const processorSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}
// compiled code is what a long run runs
for (let seed = 1; seed <= 20; seed++) runFleet({ seed })

const before = processorSeconds()
const total = { seeds: 0, steps: 0, virtual: 0, struck: 0, inFlight: 0, runs: 0, enqueued: 0, violations: 0 }
const kinds = new Map<string, number>()
while (processorSeconds() - before < seconds) {
  const { counters, elapsed, steps, violations } = runFleet({ seed: 1_000 + total.seeds })
  total.seeds++
  total.steps += steps
  total.virtual += elapsed / 1000
  total.runs += counters["runs"] ?? 0
  total.enqueued += counters["enqueue/Inserted"] ?? 0
  total.violations += violations.length
  for (const [name, count] of Object.entries(counters)) {
    if (name.startsWith("fault/")) {
      total.struck += count
      kinds.set(name, (kinds.get(name) ?? 0) + count)
    } else if (name.startsWith("inFlight/")) total.inFlight += count
  }
}
const cpu = processorSeconds() - before
const hours = total.virtual / 3_600
const line = (what: string, value: number): void => {
  process.stdout.write(`${what.padEnd(58)}${value.toFixed(value < 100 ? 1 : 0).padStart(12)}\n`)
}
process.stdout.write(`node ${process.version}, ${total.seeds} seeds, ${faults.length} kinds of faults\n`)
line("seeds per second and core", total.seeds / cpu)
line("seeds per day on 2 cores", (total.seeds / cpu) * 86_400 * 2)
line("virtual seconds per second and core", total.virtual / cpu)
line("scheduler steps per second and core", total.steps / cpu)
line("virtual seconds per seed", total.virtual / total.seeds)
line("jobs enqueued per virtual hour", total.enqueued / hours)
line("handler runs per virtual hour", total.runs / hours)
line("scheduler steps per virtual hour", total.steps / hours)
line("faults per virtual hour", total.struck / hours)
line("of these while an operation was in flight", total.inFlight / hours)
line("violations", total.violations)
for (const [name, count] of [...kinds].sort()) line(`  ${name} per virtual hour`, count / hours)

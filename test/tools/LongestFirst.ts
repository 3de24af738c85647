/**
 * The order of test files. What has a process of its own leans on nothing that ran before, so that the longest of these
 * may begin and no processor idles at the end. All others come in an order that the run's seed draws.
 */
import { hash } from "node:crypto"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Files that take longest; one that is missing here costs only some waiting at the end. */
const longest: ReadonlyArray<string> = [
  "mutants/sources",
  "simulation/fleet",
  "process/kill",
  "properties/postgres",
  "properties/redis",
  "properties/redisCluster",
  "properties/redisSentinel",
  "backends/redis/luaMutants",
  "properties/file",
  "simulation/crash-states/CrashStates",
  "properties/otherLogs",
  "faults/syscalls",
  "simulation/everyPoint",
  "simulation/Documentation",
  "tools/pack",
  "docs/WritingALog",
  "cli/Check",
  "simulation/determinism"
].map((name) => join(import.meta.dirname, "..", `${name}.test.ts`))

const absent = longest.filter((path) => !existsSync(path))
if (absent.length > 0) throw new Error(`there is no ${absent.join(" and no ")}: name the files that take longest anew`)

export default class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const { seed } = this.ctx.config.sequence
    /** Those that share processes come last, side by side: a process is not kept for what comes after another file. */
    const rank = ({ moduleId, project }: TestSpecification): number => {
      if (!project.config.isolate) return longest.length + 1
      const found = longest.indexOf(moduleId)
      return found === -1 ? longest.length : found
    }
    return files
      .map((file) => ({ file, rank: rank(file), draw: hash("sha1", `${seed} ${file.moduleId}`) }))
      .sort((a, b) => a.rank - b.rank || (a.draw < b.draw ? -1 : 1))
      .map(({ file }) => file)
  }
}

/** A copy of the checkout in which single tests run, so that the checkout's own sources stay as they are. */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { bin, remove, root, temporaryDirectory, toolEnvironment } from "../tools/stage.ts"
import { textOf } from "./load.ts"
import type { UnitMutant } from "./unitMutants.ts"

/** Milliseconds that a test may take; a mutant may make it wait for ever. */
const patience = 10_000

const config = `export default { cacheDir: "cache", test: { testTimeout: ${patience} } }\n`

const Report = Schema.fromJsonString(
  Schema.Struct({
    testResults: Schema.Array(
      Schema.Struct({ assertionResults: Schema.Array(Schema.Struct({ title: Schema.String, status: Schema.String })) })
    )
  })
)

export class UnitCopy {
  readonly #directory = temporaryDirectory("units")

  constructor() {
    for (const name of ["src", "test", "properties", "package.json", "tsconfig.json"]) {
      cpSync(join(root, name), join(this.#directory, name), { recursive: true })
    }
    symlinkSync(join(root, "node_modules"), join(this.#directory, "node_modules"))
    writeFileSync(join(this.#directory, "vitest.config.ts"), config)
  }

  /** What is wrong with the test of a mutant; nothing if it fails with the mutant, and only then. */
  problemOf(mutant: UnitMutant): string | undefined {
    const title = `${mutant.file}: ${mutant.name}: "${mutant.testName}" of ${mutant.test}`
    const sound = this.#statusOf(mutant)
    if (sound !== "passed") return `${title}: ${sound} although nothing is changed`
    const file = join(this.#directory, mutant.file)
    const text = readFileSync(file)
    writeFileSync(file, textOf(mutant))
    const broken = this.#statusOf(mutant)
    writeFileSync(file, text)
    return broken === "failed" ? undefined : `${title}: ${broken} with the mutant`
  }

  /** A test that did not run, say because its modules do not load, neither passed nor failed. */
  #statusOf({ test, testName }: UnitMutant): string {
    const output = join(this.#directory, "report.json")
    rmSync(output, { force: true })
    const pattern = testName.replace(/[^\w ]/g, "\\$&")
    const words = ["run", test, "--testNamePattern", pattern, "--reporter", "json", "--outputFile", output]
    const { stderr } = spawnSync(process.execPath, [bin("vitest"), ...words], {
      cwd: this.#directory,
      env: toolEnvironment(),
      encoding: "utf8",
      timeout: 6 * patience
    })
    if (!existsSync(output)) return `no report: ${stderr.slice(-500)}`
    const { testResults } = Schema.decodeUnknownSync(Report)(readFileSync(output, "utf8"))
    const named = testResults.flatMap((file) => file.assertionResults).filter(({ title }) => title === testName)
    return named.length === 1 ? named[0]!.status : `${named.length} tests of that name`
  }

  remove(): void {
    remove(this.#directory)
  }
}

/**
 * Mutants are judged in a process of their own: it loads them without a test runner's transformations, and one that
 * never comes to an end is killed with it.
 */
import { type ChildProcess, fork } from "node:child_process"
import * as path from "node:path"
import type { JudgeOptions } from "./judges.ts"
import type { JudgeName, Verdict } from "./SourceMutant.ts"

/** What is asked of the process. */
export interface Question extends JudgeOptions {
  /** Of the mutant, in the list of all. */
  readonly index: number
  readonly judge: JudgeName
  /** Instead of the one that is named for the mutant. */
  readonly law?: string | undefined
}

/** What it answers. */
export type Answer =
  | { readonly _tag: "Judged"; readonly verdict: Verdict }
  | { readonly _tag: "Failed"; readonly message: string }

/** What is recorded takes not nearly as long as this. */
const patienceMillis = 60_000

/** Asks one question after the other. */
export class Judging {
  #child: ChildProcess | undefined

  async ask(question: Question): Promise<Answer> {
    const child = (this.#child ??= fork(path.join(import.meta.dirname, "judge.ts"), { stdio: "ignore" }))
    return new Promise((resolve) => {
      const done = (answer: Answer, alive: boolean): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        if (!alive) {
          child.kill("SIGKILL")
          this.#child = undefined
        }
        resolve(answer)
      }
      const timer = setTimeout(
        () => done({ _tag: "Failed", message: `no verdict after ${patienceMillis} ms` }, false),
        patienceMillis
      )
      // the process answers in this form
      child.once("message", (answer) => done(answer as Answer, true))
      child.once("exit", (code) => done({ _tag: "Failed", message: `the judge ended with ${code}` }, false))
      child.send(question)
    })
  }

  close(): void {
    this.#child?.kill("SIGKILL")
  }
}

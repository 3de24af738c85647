/**
 * What a law is, and how laws over generated histories are checked.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { LogError } from "../src/log/LogError.ts"
import { history } from "./Arbitraries.ts"
import type { Profile } from "./Arbitraries.ts"
import { counted } from "./Counted.ts"
import type { Hand, Harness, TestLog } from "./Harness.ts"
import { perform } from "./Interpreter.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import type { Step } from "./Step.ts"
import { json, observe } from "./World.ts"
import type { World } from "./World.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface CheckOptions {
  /** The same seed generates the same histories; default 1. */
  readonly seed?: number | undefined
  /** Histories to try; default 100. */
  readonly runs?: number | undefined
  /** Where a shrunk counterexample lies under its seed: replays just that one. */
  readonly path?: string | undefined
  /** Any violation at all breaks the law, not only one that speaks against it; default false. */
  readonly strict?: boolean | undefined
  /** Whether to look for the shortest counterexample; default true. */
  readonly shrink?: boolean | undefined
}

/**
 * A history that breaks a law, shrunk.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Counterexample {
  readonly message: string
  /** What was done and answered, one line each. */
  readonly history: ReadonlyArray<string>
  /** The generated input as JSON. */
  readonly input: string
  readonly path: string
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LawResult {
  readonly name: LawName
  /**
   * `notClaimed`: the log does not claim what the law is about. `untested`: it does, but the harness has no hand for it
   * and does not say why there can be none.
   */
  readonly outcome: "passed" | "broken" | "notClaimed" | "untested"
  /** Why it was not checked. */
  readonly reason?: string | undefined
  /** Histories or situations tried. */
  readonly runs: number
  /** Calls of the port made in them. */
  readonly commands: number
  readonly seed: number
  /** Runs that ended early because they broke another law. */
  readonly cutShort: number
  /** How often each situation was met, for example `settle Complete: Refused stale`. */
  readonly coverage: Readonly<Record<string, number>>
  /** How often each cell of {@link Coverage} was hit. */
  readonly cells: Readonly<Record<string, number>>
  readonly counterexample?: Counterexample | undefined
}

/**
 * A duty of a log, with the way to check it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Law {
  readonly name: LawName
  /** One sentence, in the words of the port. */
  readonly statement: string
  /** Whether the law speaks about a log with these capabilities. */
  readonly claimedBy: (capabilities: Capabilities) => boolean
  /** Hands without which it cannot be checked. */
  readonly needs?: ReadonlyArray<Hand> | undefined
  readonly check: (harness: Harness, options?: CheckOptions) => Effect.Effect<LawResult, LogError>
}

/**
 * What one run on a fresh log found.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RunResult {
  readonly violations: ReadonlyArray<Model.Violation>
  readonly history: ReadonlyArray<string>
  readonly coverage?: ReadonlyMap<string, number> | undefined
  readonly cells?: ReadonlyMap<string, number> | undefined
  readonly commands?: number | undefined
}

/**
 * A world around a fresh log.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeWorld = (harness: Harness, test: TestLog): World => {
  const world: World = {
    test,
    capabilities: harness.capabilities ?? test.log.capabilities,
    patience: harness.patience ?? 5000,
    watch: (log) => counted(log, () => void (world.commands += 1)),
    log: test.log,
    model: Model.empty(),
    now: 0,
    since: 0,
    slots: [undefined, undefined, undefined],
    deadSessions: [],
    grants: [],
    calls: [],
    ids: 0,
    violations: [],
    coverage: new Map(),
    cells: new Map(),
    commands: 0,
    shown: undefined,
    clockDebt: 0,
    blinded: false,
    lines: []
  }
  world.log = world.watch(test.log)
  return world
}

/**
 * Carries a history out on a fresh log, up to the first violation, and then, if there was none, the epilogue.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const runHistory = (
  harness: Harness,
  steps: ReadonlyArray<Step>,
  epilogue: (world: World) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<RunResult, LogError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const world = makeWorld(harness, yield* harness.make)
      yield* observe(world, () => [])
      for (const [i, step] of steps.entries()) {
        if (world.violations.length > 0 || world.blinded) break
        world.lines.push(`${i + 1}. ${step._tag}`)
        yield* perform(world, step)
      }
      if (world.violations.length === 0 && !world.blinded) yield* epilogue(world)
      return {
        violations: world.violations,
        history: world.lines,
        coverage: world.coverage,
        cells: world.cells,
        commands: world.commands
      }
    })
  )

/** Why a law is not to be checked against a log, if it is not. */
const leftOut = (
  harness: Harness,
  law: Pick<Law, "claimedBy" | "needs">,
  test: TestLog
): Pick<LawResult, "outcome" | "reason"> | undefined => {
  if (!law.claimedBy(harness.capabilities ?? test.log.capabilities)) {
    return { outcome: "notClaimed", reason: "the capabilities do not claim it" }
  }
  const missing = (law.needs ?? []).filter((hand) => test[hand] === undefined)
  const untold = missing.find((hand) => harness.cannot?.[hand] === undefined)
  if (untold !== undefined) {
    const reason = `the harness has no hand "${untold}", and its "cannot" does not say why`
    return { outcome: "untested", reason }
  }
  const [hand] = missing
  return hand === undefined ? undefined : { outcome: "notClaimed", reason: `${hand}: ${harness.cannot?.[hand]}` }
}

/**
 * Checks a law over generated inputs: `run` tries one on a fresh log.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const checkGenerated = <Input>(
  harness: Harness,
  law: Pick<Law, "name" | "claimedBy" | "needs">,
  options: CheckOptions,
  plan: {
    readonly inputs: (test: TestLog) => fc.Arbitrary<Input>
    readonly run: (input: Input) => Effect.Effect<RunResult, LogError>
    /** Shrinking repeats failing runs, which is slow where a failure is a wait in vain. */
    readonly shrink: boolean
  }
): Effect.Effect<LawResult, LogError> =>
  Effect.gen(function* () {
    const seed = options.seed ?? 1
    const probe = yield* Effect.scoped(Effect.map(harness.make, (test) => test))
    const none = { name: law.name, runs: 0, commands: 0, seed, cutShort: 0, coverage: {}, cells: {} }
    const unchecked = leftOut(harness, law, probe)
    if (unchecked !== undefined) return { ...none, ...unchecked }
    const context = yield* Effect.context<never>()
    let cutShort = 0
    let commands = 0
    const coverage: Record<string, number> = {}
    const cells: Record<string, number> = {}
    let failed: { readonly result: RunResult; readonly violation: Model.Violation } | undefined
    const property = fc.asyncProperty(plan.inputs(probe), async (input) => {
      const result = await Effect.runPromiseWith(context)(plan.run(input))
      for (const [what, times] of result.coverage ?? []) coverage[what] = (coverage[what] ?? 0) + times
      for (const [what, times] of result.cells ?? []) cells[what] = (cells[what] ?? 0) + times
      commands += result.commands ?? 0
      const violation = result.violations.find(
        (found) => options.strict === true || found.fundamental === true || found.laws.includes(law.name)
      )
      if (violation !== undefined) {
        failed = { result, violation }
        return false
      }
      if (result.violations.length > 0) cutShort += 1
      return true
    })
    const details = yield* Effect.promise(() =>
      fc.check(property, {
        seed,
        numRuns: options.runs ?? 100,
        endOnFailure: !plan.shrink || options.shrink === false,
        ...(options.path === undefined ? undefined : { path: options.path })
      })
    )
    const counts = { runs: details.numRuns, commands, cutShort, coverage, cells }
    if (!details.failed) return { ...none, ...counts, outcome: "passed" }
    if (failed === undefined) return yield* Effect.die(details.errorInstance)
    return {
      ...none,
      ...counts,
      outcome: "broken",
      counterexample: {
        message: failed.violation.message,
        history: failed.result.history,
        input: json(details.counterexample?.[0]),
        path: details.counterexamplePath ?? ""
      }
    }
  })

/**
 * A law over generated histories.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const overHistories = (options: {
  readonly name: LawName
  readonly statement: string
  readonly profile: Profile
  readonly claimedBy?: Law["claimedBy"] | undefined
  readonly needs?: Law["needs"]
  /** What comes after every history. */
  readonly epilogue?: ((world: World) => Effect.Effect<void>) | undefined
}): Law => {
  const law = {
    name: options.name,
    statement: options.statement,
    claimedBy: options.claimedBy ?? (() => true),
    needs: options.needs
  }
  return {
    ...law,
    check: (harness, checkOptions = {}) =>
      checkGenerated(harness, law, checkOptions, {
        inputs: (test) => history(options.profile, test),
        run: (steps) => runHistory(harness, steps, options.epilogue),
        shrink: true
      })
  }
}

/**
 * The laws of a job log, to be checked against any implementation of the port with any test runner.
 *
 * @since 0.1.0
 */

export { checkLog, laws } from "./Check.ts"
export type { Report } from "./Check.ts"
export { formatReport } from "./FormatReport.ts"
export type { Harness, TestLog } from "./Harness.ts"
export type { CheckOptions, Counterexample, Law, LawResult } from "./Law.ts"
export { lawNames } from "./LawName.ts"
export type { LawName } from "./LawName.ts"
export * as VirtualClock from "./VirtualClock.ts"

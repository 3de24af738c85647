/**
 * The laws of a job log, to be checked against any implementation of the port with any test runner.
 *
 * @since 0.1.0
 */

export { checkLog, laws } from "./Check.ts"
export * as ConcurrentHistory from "./concurrent/ConcurrentHistory.ts"
export type { CheckLogOptions, Report } from "./Check.ts"
export type { Coverage } from "./Coverage.ts"
export { formatReport, formatResult, formatSummary } from "./FormatReport.ts"
export type { FormatOptions, PartOfReport } from "./FormatReport.ts"
export type { Hand, Harness, TestLog } from "./Harness.ts"
export { reportToJson } from "./JsonReport.ts"
export type { JsonLaw, JsonReport } from "./JsonReport.ts"
export type { CheckOptions, Counterexample, Law, LawResult } from "./Law.ts"
export { lawNames } from "./LawName.ts"
export type { LawName } from "./LawName.ts"
export * as VirtualClock from "./VirtualClock.ts"

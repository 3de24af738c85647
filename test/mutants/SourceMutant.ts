/** Which engine of the suite has to notice a mutant: a log under the laws, a simulated fleet, or the crash states. */
export type JudgeName = "memory" | "file" | "fleet" | "crash"

/** One place of our own sources changed. */
export interface SourceMutant {
  readonly name: string
  /** From the repository's root. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  readonly judges: ReadonlyArray<JudgeName>
  /** What has to break: a law of the suite or of the simulated fleet, or {@link crashLaw}. */
  readonly law: string
}

/** What the crash states judge by: what is recovered is the log before or after the operation that was under way. */
export const crashLaw = "beforeOrAfter"

/** What a judge found: `after` so many histories (or seeds, or crash states) `by` a law, or nothing within as many. */
export interface Verdict {
  readonly killed: boolean
  readonly after: number
  readonly by: string
  /** Which of the seed's histories it was: trying that one alone is enough. */
  readonly path: string | undefined
}

/** One mutant before one judge. */
export const titleOf = (mutant: Pick<SourceMutant, "name" | "file">, judge: JudgeName): string =>
  `${judge}: ${mutant.file.replace(/^src\//, "")}: ${mutant.name}`

type Change = Pick<SourceMutant, "name" | "law" | "find" | "replace">

/** Mutants of one file, for the same judges. */
export const mutantsOf = (
  file: string,
  judges: ReadonlyArray<JudgeName>,
  changes: ReadonlyArray<Change>
): ReadonlyArray<SourceMutant> => changes.map((change) => ({ ...change, file, judges }))

/** One change of a file: the law that must break, what is wrong then, and the place. */
export const change = (law: string, name: string, find: string, replace: string): Change => ({
  law,
  name,
  find,
  replace
})

/** Which engine of the suite has to notice a mutant: a log under the laws, or a simulated fleet. */
export type JudgeName = "memory" | "file" | "fleet"

/** One place of our own sources changed. */
export interface SourceMutant {
  readonly name: string
  /** From the repository's root. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  readonly judges: ReadonlyArray<JudgeName>
  /** What has to break: a law of the suite, or of the simulated fleet. */
  readonly law: string
}

/** What a judge found: `after` so many histories (or seeds) `by` a law, or nothing within as many. */
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

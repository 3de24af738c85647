/** One kind of search that can go on for ever: it works through numbered cases and can stop and go on at any of them. */
export interface Part {
  readonly name: string
  /** One case, in words. */
  readonly unit: string
  /** How long a slice lasts; for a part that takes long to begin. */
  readonly seconds?: number
  /** Works from case `position` on until told to stop; at least one case. */
  readonly run: (slice: Slice) => Promise<SliceResult>
}

export interface Slice {
  readonly position: number
  /** Asked after each case. */
  readonly goOn: () => boolean
}

export interface SliceResult {
  /** The first case that was not tried. */
  readonly position: number
  /** What happened, by name; summed up over all slices. */
  readonly counters: Readonly<Record<string, number>>
  /** What must never be, with all that is needed to see it again. */
  readonly violations: ReadonlyArray<string>
  /** There are no more cases. */
  readonly done?: boolean | undefined
}

/** Adds counters to counters. */
export const add = (to: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(more)) to[name] = (to[name] ?? 0) + value
}

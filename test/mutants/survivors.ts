/** Mutants that nothing kills, each with the reason why nothing has to. By title. */
export const survivors: ReadonlyMap<string, string> = new Map([])

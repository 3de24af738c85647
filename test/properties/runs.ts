/**
 * Histories per law: LEASEHOLD_RUNS multiplies them for a long search. Few are enough here, where they show that the laws
 * hold and meet every situation; what is rare is searched for by the soak, which tries the same laws under ever new
 * seeds, and each recorded mutant dies by a history of its own.
 */
export const runs = (usual: number): number => Math.ceil(usual * Number(process.env["LEASEHOLD_RUNS"] ?? 1))

/** LEASEHOLD_SEED replays a reported seed; without it every run of the tests tries the same histories. */
export const seed = (): number => Number(process.env["LEASEHOLD_SEED"] ?? 1)

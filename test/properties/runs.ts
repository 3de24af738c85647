/** Histories per law: LEASEHOLD_RUNS multiplies them for a long search. */
export const runs = (usual: number): number => Math.ceil(usual * Number(process.env["LEASEHOLD_RUNS"] ?? 1))

/** LEASEHOLD_SEED replays a reported seed; without it every run of the tests tries the same histories. */
export const seed = (): number => Number(process.env["LEASEHOLD_SEED"] ?? 1)

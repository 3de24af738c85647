/**
 * Mutants of which some wait for seconds until they are found are hundreds by now. So each day another third of them
 * dies, and all with LEASEHOLD_MUTANTS=all.
 */
const thirds = 3
const today = Math.floor(Date.now() / 86_400_000) % thirds

/** Whether the mutant at this place of its list dies today. */
export const isDue = (place: number): boolean => process.env["LEASEHOLD_MUTANTS"] === "all" || place % thirds === today

/**
 * Deterministic simulation of a service that uses Leasehold: nodes that crash, machines that stand still, a network and
 * a disk that lose things, all in one thread and decided by one seed. See docs/simulation.md.
 *
 * @since 0.1.0
 */
export { check, type CheckOptions, type Failure, replay, type Report } from "./Check.ts"
export { type Fault, faults } from "./Fault.ts"
export { type FleetOptions, type FleetResult, runFleet } from "./Fleet.ts"
export { formatReport, toJson } from "./Report.ts"
export type { RunOptions, Scenario, SeedResult } from "./Scenario.ts"

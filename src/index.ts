/**
 * Leasehold: a durable job scheduler that lives inside an Effect service.
 *
 * @since 0.1.0
 */
export * as FileLog from "./backends/file/FileLog.ts"
export * as MemoryLog from "./backends/memory/MemoryLog.ts"
export * as ConfiguredLog from "./ConfiguredLog.ts"
export { JobLog } from "./log/JobLog.ts"
export { LogError } from "./log/LogError.ts"
export * as Job from "./scheduler/Job.ts"
export { JobQueue } from "./scheduler/JobQueue.ts"
export { JobScheduler } from "./scheduler/JobScheduler.ts"
export * as PrometheusServer from "./scheduler/PrometheusServer.ts"

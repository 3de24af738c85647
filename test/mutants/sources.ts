/** All places of our own sources that are changed one by one. */
import { actorMutants } from "./sources/actors.ts"
import { engineMutants } from "./sources/engine.ts"
import { fleetMutants } from "./sources/fleet.ts"
import { journalMutants } from "./sources/journal.ts"
import { memorySourceMutants } from "./sources/memory.ts"
import { modelMutants, modelMutantsOfOne } from "./sources/model.ts"
import { portMutants } from "./sources/port.ts"
import { replayMutants } from "./sources/replay.ts"
import type { SourceMutant } from "./SourceMutant.ts"

export const sourceMutants: ReadonlyArray<SourceMutant> = [
  ...modelMutants,
  ...modelMutantsOfOne,
  ...memorySourceMutants,
  ...portMutants,
  ...journalMutants,
  ...replayMutants,
  ...engineMutants,
  ...actorMutants,
  ...fleetMutants
]

/** One broken log at least for each law that no other list has one for. */
import { contentMutants } from "./laws/contents.ts"
import { durabilityMutants } from "./laws/durability.ts"
import { grantMutants } from "./laws/grants.ts"
import type { LawMutant } from "./laws/LawMutant.ts"
import { operatorMutants } from "./laws/operators.ts"

export const lawMutants: ReadonlyArray<LawMutant> = [
  ...grantMutants,
  ...contentMutants,
  ...operatorMutants,
  ...durabilityMutants
]

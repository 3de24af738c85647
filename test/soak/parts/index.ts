import type { Part } from "../Part.ts"
import { kills } from "./kills.ts"
import { properties } from "./laws.ts"

/** In the order in which a soak begins them. */
export const parts: ReadonlyArray<Part> = [properties, kills]

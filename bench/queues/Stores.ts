/** The stores that there are. */
import { postgres } from "../postgres/Store.ts"
import { redis } from "../redis/Store.ts"
import type { Contestant } from "./Contestant.ts"
import type { Store, StoreName } from "./Store.ts"

const stores: Readonly<Record<StoreName, Store>> = { postgres, redis }

export const storeNamed = (name: StoreName): Store => stores[name]

export const contestantNamed = (store: StoreName, name: string): Contestant => {
  const contestant = stores[store].contestants.find((one) => one.name === name)
  if (contestant === undefined) throw new Error(`nobody is called ${name}`)
  return contestant
}

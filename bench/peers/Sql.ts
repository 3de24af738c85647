/** Statements beside a peer's own, on a connection of their own. */
import pg from "pg"
import { countOf } from "../queues/Adapter.ts"

export const count = async (url: string, text: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Array<unknown>>({ text, rowMode: "array" })
    return countOf(rows[0]?.[0])
  } finally {
    await client.end()
  }
}

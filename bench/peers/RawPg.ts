/** The limit on node-postgres, which most of the peers use. */
import pg from "pg"
import type { Adapter } from "../queues/Adapter.ts"
import { type Connection, openQueue, type Parameter, settings } from "../postgres/RawSql.ts"

const valueOf = (parameter: Parameter): unknown => (parameter._tag === "Id" ? parameter.value : parameter.values)

const connect = async (url: string): Promise<Connection> => {
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ")
  const client = new pg.Client({ connectionString: url, options })
  await client.connect()
  return {
    run: async ({ name, text }, parameter) => {
      const values = parameter === undefined ? [] : [valueOf(parameter)]
      const { rows } = await client.query<Array<unknown>>({ name, text, values, rowMode: "array" })
      return rows
    },
    close: () => client.end()
  }
}

export const adapter: Adapter = { open: (url) => openQueue(() => connect(url)) }

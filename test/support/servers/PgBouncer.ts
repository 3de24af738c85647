/** A private PgBouncer in front of a private Postgres, which gives its connections to one transaction at a time. */
import { existsSync, mkdtempSync, rmSync, chownSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import * as PrivatePostgres from "../../../src/cli/demo/PrivatePostgres.ts"
import { Server } from "../../faults/Server.ts"
import { place } from "./place.ts"
import type { Postgres } from "./Postgres.ts"

/** The program, where this machine has it. */
export const find = (): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
    .map((folder) => join(folder, "pgbouncer"))
    .find((path) => existsSync(path))

export class PgBouncer {
  readonly #server: Server
  readonly #directory: string

  private constructor(server: Server, directory: string) {
    this.#server = server
    this.#directory = directory
  }

  /** `connections` of the server are shared by all clients. */
  static async start(postgres: Postgres, connections = 4): Promise<PgBouncer> {
    const program = find()
    if (program === undefined) throw new Error("these tests need PgBouncer: put `pgbouncer` on the PATH")
    const directory = mkdtempSync(join(place(), "b-"))
    const configuration = join(directory, "pgbouncer.ini")
    const account = PrivatePostgres.find()?.account
    if (account !== undefined) chownSync(directory, account.uid, account.gid)
    const server = await Server.start({
      command: (port) => {
        writeFileSync(
          configuration,
          [
            "[databases]",
            `* = host=${postgres.sockets} port=${postgres.port} user=leasehold`,
            "[pgbouncer]",
            `listen_port = ${port}`,
            "listen_addr = 127.0.0.1",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            `default_pool_size = ${connections}`,
            "max_client_conn = 200",
            "server_login_retry = 1",
            ""
          ].join("\n")
        )
        return [program, configuration]
      },
      account
    })
    return new PgBouncer(server, directory)
  }

  get port(): number {
    return this.#server.port
  }

  kill(): Promise<void> {
    return this.#server.kill()
  }

  restart(): Promise<void> {
    return this.#server.restart()
  }

  async close(): Promise<void> {
    await this.#server.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

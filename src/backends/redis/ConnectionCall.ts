/**
 * A command on its way, which knows whether it was ever written.
 *
 * @since 0.1.0
 */
import { Command } from "ioredis"

/**
 * What a script answers.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Reply = number | string | null | ReadonlyArray<Reply>

/**
 * A command of which it is known whether it may have reached a server. Where it provably has not, its failure had no
 * effect.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Call extends Command {
  /** The stream it was written to; none while it is not, and again while a Cluster has yet to send it somewhere else. */
  socket: object | undefined
  readonly #slot: number

  constructor(name: string, args: Array<string>, slot: number) {
    super(name, [], { replyEncoding: "utf8" })
    // they are strings already, which ioredis would look for
    this.args = args
    this.#slot = slot
  }

  /** Where a Cluster sends it: commands without keys go to the log's node too. */
  override getSlot(): number {
    return this.#slot
  }

  /** Called right before what it returns is written. */
  override toWritable(socket: object): string | Buffer {
    this.socket = socket
    return super.toWritable(socket)
  }

  /**
   * To be called once a Cluster has taken it up, which sends it elsewhere by itself when a node refuses it: nothing has
   * it then, until it is written again.
   */
  followRedirections(): void {
    const { reject } = this
    this.reject = (error) => {
      if (isRedirection(error.message)) this.socket = undefined
      reject(error)
    }
  }
}

/**
 * Whether a node of a Cluster refused a command because of where the slot is: it has not touched it.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isRedirection = (text: string): boolean => /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/.test(text)

/**
 * The slot of a key in a Cluster.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const slotOf = (key: string): number => new Command("get", [key]).getSlot()

/** Which of the numbered jobs ran, so that no figure comes from work that was not done. */
import type { Payload } from "../Payload.ts"

export class Ledger {
  #ran = new Uint8Array(1 << 16)
  /** Different jobs that ran. */
  distinct = 0
  /** Runs beyond the first of a job: allowed where delivery is at least once. */
  repeated = 0

  run({ n }: Payload): void {
    if (n >= this.#ran.length) {
      const longer = new Uint8Array(2 ** Math.ceil(Math.log2(n + 1)) * 2)
      longer.set(this.#ran)
      this.#ran = longer
    }
    if (this.#ran[n] === 0) {
      this.#ran[n] = 1
      this.distinct++
    } else this.repeated++
  }

  /** Throws unless exactly the jobs 0 to count - 1 ran, each at least once. */
  expectAll(count: number): void {
    let missing = 0
    for (let n = 0; n < count; n++) if (this.#ran[n] !== 1) missing++
    if (missing > 0) throw new Error(`${missing} of ${count} jobs never ran`)
    if (this.distinct !== count) throw new Error(`${this.distinct} jobs ran instead of ${count}`)
  }
}

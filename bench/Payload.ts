/** The payload that every side stores: about 100 bytes of JSON. */

export interface Payload {
  readonly n: number
  readonly customer: string
  readonly cents: number
  readonly currency: string
  readonly note: string
}

export const makePayload = (n: number): Payload => ({
  n,
  customer: "customer-0042",
  cents: 129_900,
  currency: "EUR",
  note: "invoice for november 2026"
})

/** 0 + 1 + … + (count - 1): what the handled payloads' numbers add up to when each was handled exactly once. */
export const sumBelow = (count: number): number => (count * (count - 1)) / 2

/**
 * Arrays as parameters of a statement.
 *
 * @since 0.1.0
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Result from "effect/Result"

const arrayOf =
  (oid: number) =>
  (values: ReadonlyArray<unknown> | null): PgTypes.Parameter =>
    // the element types below all have array types
    Result.getOrThrow(PgTypes.array(values, oid))

/**
 * An array of texts, some of which may be null.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const texts: (values: ReadonlyArray<string | null> | null) => PgTypes.Parameter = arrayOf(PgTypes.OID.text)

/**
 * An array of UUIDs.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const uuids: (values: ReadonlyArray<string> | null) => PgTypes.Parameter = arrayOf(PgTypes.OID.uuid)

/**
 * An array of integers of two bytes.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const smallints: (values: ReadonlyArray<number> | null) => PgTypes.Parameter = arrayOf(PgTypes.OID.int2)

/**
 * An array of booleans.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const booleans: (values: ReadonlyArray<boolean> | null) => PgTypes.Parameter = arrayOf(PgTypes.OID.bool)

/**
 * An array of integers of eight bytes, some of which may be null.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const bigints: (values: ReadonlyArray<bigint | null> | null) => PgTypes.Parameter = arrayOf(PgTypes.OID.int8)

/**
 * Numbers as an array of integers of eight bytes.
 *
 * @since 0.1.0
 * @category parameters
 * @stability unstable
 */
export const numbers = (values: ReadonlyArray<number | null | undefined> | null): PgTypes.Parameter =>
  bigints(
    values === null ? null : values.map((value) => (value === undefined || value === null ? null : BigInt(value)))
  )

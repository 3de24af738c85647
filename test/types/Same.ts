/** Whether two types are identical: assignability both ways would let `any` and optional properties through. */
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `same<A, B>(true)` compiles only if the types are identical, `same<A, B>(false)` only if they are not. */
export const same = <A, B>(_identical: Identical<A, B>): void => {}

/** Every database is a server with a socket of its own. */

const scheme = "redis+unix://"

export const urlOf = (socket: string): string => `${scheme}${socket}`

export const socketOf = (url: string): string => {
  if (!url.startsWith(scheme)) throw new Error("the benchmark's servers listen on sockets only")
  return url.slice(scheme.length)
}

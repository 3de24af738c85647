#!/usr/bin/env node
/**
 * The command line's entry: lets Node keep what it compiled, which halves the start-up of the next call.
 *
 * @since 0.1.0
 */
import * as Module from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"

// In the user's own cache: whoever could write there in a shared one could put code into this process.
Module.enableCompileCache(Path.join(process.env["XDG_CACHE_HOME"] ?? Path.join(Os.homedir(), ".cache"), "leasehold"))

const { main } = await import("./CommandLine.ts")
main()

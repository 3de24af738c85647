#!/usr/bin/env node
/**
 * The command line.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { demo } from "./commands/demo.ts"

const leasehold = Command.make("leasehold").pipe(
  Command.withDescription("A durable job scheduler for Effect"),
  Command.withSubcommands([demo])
)

leasehold.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)

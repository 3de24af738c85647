/**
 * The disk's port over a simulated device.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Disk, DiskError, DiskFile, OpenMode } from "../../backends/file/journal/Disk.ts"
import { OwnedBy, refused } from "../../log/LogError.ts"
import { applyName, type NameChange } from "./Change.ts"
import { type Device, failure } from "./Device.ts"
import type { Fault, Operation } from "./DiskFault.ts"
import { makeFile } from "./FileHandle.ts"

const open = (device: Device, path: string, mode: OpenMode, fault: Fault | undefined) => {
  if (fault !== undefined) return Effect.fail(failure("open", path, fault.code))
  const { storage } = device
  const { directory, name } = storage.place(path)
  const existing = directory?.cached.get(name)
  if (mode !== "create") {
    return existing === undefined
      ? Effect.fail(failure("open", path, "ENOENT"))
      : Effect.succeed(makeFile(device, existing, path, mode))
  }
  if (directory === undefined) return Effect.fail(failure("open", path, "ENOENT"))
  if (existing !== undefined) return Effect.fail(failure("open", path, "EEXIST"))
  const inode = storage.newInode()
  change(device, path, { _tag: "Link", name, inode })
  return Effect.succeed(makeFile(device, inode, path, mode))
}

/** A directory that exists changes. */
const change = (device: Device, path: string, nameChange: NameChange): void => {
  const { directory } = device.storage.place(path)
  if (directory === undefined) throw new Error(`${path}: there is no such directory`)
  applyName(directory.cached, nameChange)
  directory.changes.push(nameChange)
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makePort = (device: Device): Disk => {
  /** An operation that fails with its planned fault, or with the code that it answers itself. */
  const plain = (operation: Operation, path: string, act: () => string | undefined): Effect.Effect<void, DiskError> =>
    Effect.suspend(() =>
      device.step(operation, path, 0, (fault) => {
        const code = fault === undefined ? act() : fault.code
        return code === undefined ? Effect.void : Effect.fail(failure(operation, path, code))
      })
    )
  return {
    makeDirectory: (path) => Effect.sync(() => device.storage.makeDirectory(path)),
    list: (path) =>
      Effect.suspend(() =>
        device.step("list", path, 0, (fault) => {
          if (fault !== undefined) return Effect.fail(failure("list", path, fault.code))
          const found = device.storage.directories.get(path)
          return found === undefined
            ? Effect.fail(failure("list", path, "ENOENT"))
            : Effect.succeed([...found.cached.keys()])
        })
      ),
    open: (path, mode): Effect.Effect<DiskFile, DiskError> =>
      Effect.suspend(() =>
        device.step(mode === "create" ? "open" : "openExisting", path, 0, (fault) => open(device, path, mode, fault))
      ),
    rename: (from, to) =>
      plain("rename", from, () => {
        const { storage } = device
        const { directory, name } = storage.place(from)
        const inode = directory?.cached.get(name)
        if (inode === undefined) return "ENOENT"
        const target = storage.place(to)
        device.release(target.directory?.cached.get(target.name))
        change(device, from, { _tag: "Rename", from: name, to: target.name, inode })
        return undefined
      }),
    remove: (path) =>
      plain("remove", path, () => {
        const inode = device.storage.find(path)
        if (inode === undefined) return "ENOENT"
        device.release(inode)
        change(device, path, { _tag: "Unlink", name: device.storage.place(path).name })
        return undefined
      }),
    syncDirectory: (path) =>
      plain("syncDirectory", path, () => {
        const directory = device.storage.directories.get(path)
        if (directory === undefined) return "ENOENT"
        for (const nameChange of directory.changes) applyName(directory.durable, nameChange)
        directory.changes = []
        return undefined
      }),
    exists: (path) => Effect.sync(() => device.storage.find(path) !== undefined),
    freeBytes: () => Effect.sync(() => device.free),
    fileSystemType: () => Effect.sync(() => device.fileSystem),
    lock: (directory) =>
      Effect.suspend(() => {
        if (device.owners.has(directory)) {
          return Effect.fail(refused("open", new OwnedBy({ path: directory, owner: "another simulated process" })))
        }
        device.owners.add(directory)
        const { generation } = device
        return Effect.succeed(
          Effect.sync(() => {
            if (generation === device.generation) device.owners.delete(directory)
          })
        )
      })
  }
}

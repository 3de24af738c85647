/**
 * The package as it would be published, built into a temporary directory: the checkout's own dist is left alone, so a
 * check can run beside anything else.
 */
import { execFileSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"

export const root = resolve(import.meta.dirname, "../..")

/** The program of a development dependency. */
export const bin = (name: string): string => join(root, "node_modules/.bin", name)

/** This process's environment with the pinned Node first on the path, for the programs that look it up there. */
export const toolEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
  NO_COLOR: "1",
  FORCE_COLOR: undefined
})

/** A fresh temporary directory; the caller removes it. */
export const temporaryDirectory = (name: string): string =>
  realpathSync(mkdtempSync(join(tmpdir(), `leasehold-${name}-`)))

export const remove = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** The parts of package.json that the checks look at. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly bin?: Readonly<Record<string, string>> | undefined
  readonly files: ReadonlyArray<string>
  readonly peerDependencies: Readonly<Record<string, string>>
}

// The file is the repository's own and publint checks its shape.
export const manifest = (): Manifest => JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest

/** Builds into `directory`/dist and lays the other published files beside it. Throws with the compiler's words. */
export const stage = (directory: string): void => {
  try {
    execFileSync(bin("tsc"), ["-p", "tsconfig.build.json", "--outDir", join(directory, "dist")], {
      cwd: root,
      env: toolEnvironment(),
      stdio: "pipe"
    })
  } catch (error) {
    throw new Error(`the build fails:\n${String((error as { readonly stdout?: unknown }).stdout ?? error)}`, {
      cause: error
    })
  }
  for (const file of manifest().files) {
    if (file !== "dist" && existsSync(join(root, file)))
      cpSync(join(root, file), join(directory, file), { recursive: true })
  }
  // Scripts stay behind, or packing would build once more.
  const { scripts: _scripts, ...rest } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: unknown
  }
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(rest, null, 2)}\n`)
}

/** Makes the checkout's copies of the named packages visible to a project elsewhere. */
export const linkDependencies = (project: string, names: ReadonlyArray<string>): void => {
  for (const name of names) {
    const target = join(project, "node_modules", name)
    mkdirSync(dirname(target), { recursive: true })
    if (!existsSync(target)) symlinkSync(join(root, "node_modules", name), target)
  }
}

/** What a user's project needs besides leasehold to run and type-check a program. */
export const userDependencies = ["effect", "@effect/sql-pg", "fast-check", "ioredis", "@types/node"]

/** A user's TypeScript settings: strict, with the libraries' declarations checked too. */
export const userTsconfig = `${JSON.stringify(
  {
    compilerOptions: {
      target: "ES2023",
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: false,
      types: ["node"]
    },
    include: ["*.ts"]
  },
  null,
  2
)}\n`

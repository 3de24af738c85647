/**
 * What the linter holds the code to. The floors are data: a file may import only from the folders listed for its own,
 * so a new folder is closed until it is given an entry here. test/tools/lint.test.ts plants a violation of each rule.
 */
import { defineConfig, type OxlintOverride } from "oxlint"

type Floor = {
  /** The folder, as a glob from the repository's root. */
  readonly folder: string
  /** Path from the folder up to the root. */
  readonly up: string
  /** What its files may import outside of it, from the root. */
  readonly below: ReadonlyArray<string>
  /** What stays closed although its folder is listed in `below`. */
  readonly except?: ReadonlyArray<string>
}

/** All below the command line and the dashboard. */
const library = [
  "src/*.ts",
  "src/model",
  "src/log",
  "src/backends",
  "src/testing",
  "src/actors",
  "src/scheduler",
  "src/simulation",
  "properties"
]

const floors: ReadonlyArray<Floor> = [
  { folder: "src/model", up: "../../", below: [] },
  { folder: "src/log", up: "../../", below: ["src/model"] },
  { folder: "src/backends/*", up: "../../../", below: ["src/model", "src/log"] },
  { folder: "src/testing", up: "../../", below: ["src/model", "src/log"] },
  {
    folder: "properties",
    up: "../",
    below: ["src/model", "src/log"],
    // Its reference model must not lean on the transitions it checks: a broken `decide` has to be caught too.
    except: ["src/model/Transition*"]
  },
  { folder: "src/actors", up: "../../", below: ["src/model", "src/log"] },
  { folder: "src/scheduler", up: "../../", below: ["src/model", "src/log", "src/actors"] },
  {
    folder: "src/simulation",
    up: "../../",
    below: ["src/model", "src/log", "src/backends", "src/testing", "src/actors", "src/scheduler", "properties"]
  },
  { folder: "src/dashboard", up: "../../", below: library },
  { folder: "src/cli", up: "../../", below: [...library, "src/dashboard"] }
]

/** Folders within a floor are covered down to this depth. */
const depths = [0, 1, 2]

type Rules = NonNullable<OxlintOverride["rules"]>

type ImportPattern = { readonly group: Array<string>; readonly message: string }

const barrel = {
  name: "effect",
  message: "Import the module itself (effect/Effect): the barrel costs start-up time."
}

const ambientModules = [
  { name: "node:timers", message: "Time goes through Effect's Clock." },
  { name: "node:timers/promises", message: "Time goes through Effect's Clock." },
  { name: "node:perf_hooks", message: "Time goes through Effect's Clock." },
  {
    name: "node:crypto",
    importNames: ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "getRandomValues"],
    message: "Randomness goes through Effect's Random."
  }
]

/** The package under its own name would go round the floors. */
const itself: ImportPattern = { group: ["leasehold", "leasehold/**"], message: "Import the file itself." }

const pure: ImportPattern = {
  group: ["node:*", "effect/Context", "effect/Layer", "effect/Clock", "effect/Fiber", "effect/Effect", "effect/Random"],
  message: "The model is pure data and transitions."
}

const restrictImports = (patterns: ReadonlyArray<ImportPattern>): Rules => ({
  "no-restricted-imports": ["error", { paths: [barrel, ...ambientModules], patterns: [itself, ...patterns] }]
})

const floorOverrides = floors.flatMap((floor) =>
  depths.map((depth) => {
    const up = "../".repeat(depth)
    const leave = `${up}../**`
    // Both spellings of a way down: from the root (`../../src/log`) and from src (`../log`).
    const spellings = (target: string) => [
      `${up}${floor.up}${target}`,
      ...(floor.folder.startsWith("src/") && target.startsWith("src/")
        ? [`${up}${floor.up.slice(3)}${target.slice("src/".length)}`]
        : [])
    ]
    const open = floor.below.flatMap(spellings).flatMap((path) => [`!${path}`, `!${path}/**`])
    const closed = (floor.except ?? []).flatMap(spellings).flatMap((path) => [path, `${path}/**`])
    return {
      files: [`${floor.folder}/${"*/".repeat(depth)}*.ts`],
      rules: restrictImports([
        {
          group: [leave, "./../**", ...open, ...closed],
          message: `Imports go down only: ${floor.folder} may use ${floor.below.join(", ") || "nothing outside itself"}.`
        },
        ...(floor.folder === "src/model" ? [pure] : [])
      ])
    }
  })
)

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import"],
  categories: { correctness: "error" },
  options: { reportUnusedDisableDirectives: "error" },
  ignorePatterns: ["dist/**", "coverage/**", "node_modules/**"],
  rules: {
    "no-restricted-imports": ["error", { paths: [barrel] }],
    "import/no-cycle": "error",
    "typescript/no-explicit-any": "error",
    "typescript/array-type": ["error", { default: "generic" }],
    "typescript/consistent-type-imports": "error",
    "typescript/ban-ts-comment": ["error", { "ts-expect-error": "allow-with-description", "ts-ignore": true }],
    "eslint/eqeqeq": "error",
    "eslint/no-var": "error",
    "eslint/prefer-const": "error",
    // The compiler's own check of the same.
    "eslint/no-unused-vars": "off",
    // An Effect generator may have nothing to wait for.
    "eslint/require-yield": "off",
    // `for (const run of [...running.values()])` copies because the loop's body changes the map.
    "unicorn/no-useless-spread": "off"
  },
  overrides: [
    {
      files: ["src/**/*.ts", "properties/**/*.ts"],
      rules: {
        "eslint/max-lines": ["error", { max: 400 }],
        "eslint/no-console": "error",
        "eslint/no-restricted-globals": [
          "error",
          { name: "Date", message: "Time goes through Effect's Clock, dates through effect/DateTime." },
          { name: "performance", message: "Time goes through Effect's Clock." },
          { name: "setTimeout", message: "Waiting goes through Effect.sleep." },
          { name: "setInterval", message: "Waiting goes through Effect.sleep." },
          { name: "crypto", message: "Randomness goes through Effect's Random." }
        ],
        "eslint/no-restricted-properties": [
          "error",
          { object: "Math", property: "random", message: "Randomness goes through Effect's Random." },
          { object: "DateTime", property: "nowUnsafe", message: "Time goes through Effect's Clock: DateTime.now." },
          { object: "process", property: "hrtime", message: "Time goes through Effect's Clock." },
          { object: "globalThis", property: "Date", message: "Time goes through Effect's Clock." },
          { object: "globalThis", property: "performance", message: "Time goes through Effect's Clock." },
          { object: "globalThis", property: "setTimeout", message: "Waiting goes through Effect.sleep." },
          { object: "globalThis", property: "setInterval", message: "Waiting goes through Effect.sleep." },
          { object: "globalThis", property: "crypto", message: "Randomness goes through Effect's Random." }
        ]
      }
    },
    ...floorOverrides,
    {
      files: ["src/*.ts"],
      rules: restrictImports([
        {
          group: ["../**", "!../properties/**", "./cli/**", "./dashboard/**"],
          message: "The facade stands below the command line and the dashboard."
        }
      ])
    },
    { files: ["src/cli/**/*.ts"], rules: { "eslint/no-console": "off" } }
  ]
})

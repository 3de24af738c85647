{
  description = "Leasehold: a durable job scheduler that lives inside an Effect service";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forAllSystems = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});

      # Node runs the project, the two servers its tests against them.
      tools = pkgs: [ pkgs.nodejs_24 pkgs.git pkgs.postgresql pkgs.redis ];

      # One of the README's two commands, run in the checkout it is called from. Install scripts would fetch a Node
      # binary that does not start on NixOS; without them the one above is found.
      command = pkgs: name: script: {
        type = "app";
        program = "${pkgs.writeShellApplication {
          inherit name;
          runtimeInputs = tools pkgs;
          text = "npm ci --ignore-scripts && ${script}";
        }}/bin/${name}";
      };
    in
    {
      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell { packages = tools pkgs; };
      });

      apps = forAllSystems (pkgs: rec {
        demo = command pkgs "leasehold-demo" "npm run demo";
        test = command pkgs "leasehold-test" "npm test";
        default = demo;
      });
    };
}

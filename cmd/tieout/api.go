package main

import (
	"github.com/spf13/cobra"

	"tieout/reader/api"
)

// apiCommand describes the interface for programs.
func (a *app) apiCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "api", Short: "The interface for programs that 'tieout serve' answers"}
	yaml := false
	spec := &cobra.Command{Use: "spec", Short: "Print its description: OpenAPI 3.1", Args: exactly(0, "no argument"),
		Long: `Prints the description of every call that 'tieout serve' answers below /api/v1,
as OpenAPI 3.1. No workspace is needed. Calls show an API token; 'tieout token
create' makes one. Those below /engagements are an audit firm's workspace's, all
others a company's. What only a person may do in an examination that person signs:
'tieout api send'.`,
		Example: "  tieout api spec > openapi.json\n  tieout api spec --yaml",
		RunE: func(*cobra.Command, []string) error {
			b, err := api.Spec(yaml)
			if err == nil {
				_, err = a.env.Stdout.Write(append(b, '\n'))
			}
			return err
		}}
	spec.Flags().BoolVar(&yaml, "yaml", false, "as YAML instead of JSON")
	cmd.AddCommand(in(spec, "table"), a.apiGetCommand(), a.apiSendCommand())
	return cmd
}

package main

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

type properties = map[string]*tfbridge.SchemaInfo

// named says of a Terraform type which properties pulumi-aws gives another name, another form or
// a value of its own. It is made anew for each use, since the bridge writes into what it gets.
func named(resourceType string) properties {
	described := properties{"description": {Default: &tfbridge.DefaultInfo{Value: "Managed by Pulumi"}}}
	switch resourceType {
	case "aws_backup_restore_testing_plan":
		return properties{"name": tfbridge.AutoName("name", 255, "_")}
	case "aws_cloudwatch_event_rule", "aws_iam_instance_profile":
		return autoNamed("name", 64)
	case "aws_cloudwatch_event_target":
		return properties{"target_id": tfbridge.AutoName("targetId", 255, "-")}
	case "aws_cloudwatch_log_subscription_filter":
		return properties{"log_group_name": {Name: "logGroup"}}
	case "aws_cloudwatch_metric_alarm":
		return properties{"alarm_name": tfbridge.AutoName("name", 255, "-")}
	case "aws_db_instance":
		return properties{"identifier": tfbridge.AutoName("identifier", 255, "")}
	case "aws_db_parameter_group", "aws_db_subnet_group":
		return described
	case "aws_default_security_group":
		return rules()
	case "aws_iam_policy", "aws_iam_role_policy", "aws_s3_bucket_policy", "aws_sns_topic_policy", "aws_sqs_queue_policy":
		return properties{"policy": document()}
	case "aws_cloudwatch_log_resource_policy":
		return properties{"policy_document": document()}
	case "aws_iam_role":
		return properties{"name": tfbridge.AutoName("name", 64, "-"), "assume_role_policy": document()}
	case "aws_kms_alias":
		return properties{"name": autoName(238, func(_ *tfbridge.PulumiResource, name string) (string, error) {
			return "alias/" + strings.TrimPrefix(name, "alias/"), nil
		})}
	case "aws_lambda_function":
		return properties{
			"architectures": {Name: "architectures", MaxItemsOne: tfbridge.False()},
			"filename":      archive(),
			"function_name": tfbridge.AutoName("name", 64, "-"),
		}
	case "aws_lambda_layer_version":
		return properties{
			"compatible_architectures": {Name: "compatibleArchitectures", MaxItemsOne: tfbridge.False()},
			"filename":                 archive(),
		}
	case "aws_lambda_permission":
		return properties{
			"function_name": {Name: "function"},
			"statement_id":  tfbridge.AutoName("statementId", 100, "-"),
		}
	case "aws_s3_bucket":
		return properties{
			"bucket": tfbridge.AutoNameTransform("bucket", 63, strings.ToLower),
			"policy": document(),
		}
	case "aws_security_group":
		fields := rules()
		fields["description"] = described["description"]
		return fields
	case "aws_sns_topic":
		return properties{"name": autoName(80, queueName("fifoTopic"))}
	case "aws_sns_topic_subscription":
		return properties{"topic_arn": {Name: "topic"}}
	case "aws_sqs_queue":
		return properties{"name": autoName(80, queueName("fifoQueue"))}
	}
	return properties{}
}

// identified says what makes up the id of a resource that has none of its own in Terraform.
func identified(resourceType string) tfbridge.ComputeID {
	keys := map[string][]resource.PropertyKey{
		"aws_backup_restore_testing_plan":      {"name"},
		"aws_backup_restore_testing_selection": {"name", "restoreTestingPlanName"},
	}[resourceType]
	if keys == nil {
		return nil
	}
	return func(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
		parts := make([]string, len(keys))
		for position, key := range keys {
			if value := state[key]; value.IsString() {
				parts[position] = value.StringValue()
			}
		}
		return resource.ID(strings.Join(parts, ":")), nil
	}
}

// replacedFirst says whether making the new one first would delete it together with the old one.
func replacedFirst(resourceType string) bool {
	return resourceType == "aws_iam_role_policy_attachment"
}

// configured says the same of the plugin's configuration.
func configured() properties {
	return properties{
		"region":                      {Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}},
		"skip_credentials_validation": {Default: &tfbridge.DefaultInfo{Value: false}},
		"skip_metadata_api_check":     {Type: "boolean"},
		"skip_region_validation":      {Default: &tfbridge.DefaultInfo{Value: true}},
	}
}

// rules are those of a security group, which pulumi-aws does not put into the plural.
func rules() properties {
	return properties{"egress": {Name: "egress"}, "ingress": {Name: "ingress"}}
}

func autoNamed(property string, most int) properties {
	return properties{property: tfbridge.AutoName(property, most, "-")}
}

func autoName(most int, finish func(*tfbridge.PulumiResource, string) (string, error)) *tfbridge.SchemaInfo {
	return tfbridge.AutoNameWithCustomOptions("name", tfbridge.AutoNameOptions{
		Separator: "-", Maxlen: most, Randlen: 7, PostTransform: finish,
	})
}

// queueName ends the name of what keeps an order (FIFO) as AWS wants it.
func queueName(ordered resource.PropertyKey) func(*tfbridge.PulumiResource, string) (string, error) {
	return func(made *tfbridge.PulumiResource, name string) (string, error) {
		if flag := made.Properties[ordered]; flag.IsBool() && flag.BoolValue() {
			name += ".fifo"
		}
		return name, nil
	}
}

// document is a JSON text that may be given as an object.
func document() *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{
		Type:      "string",
		AltTypes:  []tokens.Type{policyDocument},
		Transform: tfbridge.TransformJSONDocument,
	}
}

const policyDocument = "aws:iam/documents:PolicyDocument"

// documents is what such an object may hold.
func documents() map[string]schema.ComplexTypeSpec {
	text := schema.PropertySpec{TypeSpec: schema.TypeSpec{Type: "string"}}
	anything := schema.TypeSpec{Ref: "pulumi.json#/Any"}
	return map[string]schema.ComplexTypeSpec{policyDocument: {ObjectTypeSpec: schema.ObjectTypeSpec{
		Type: "object",
		Properties: map[string]schema.PropertySpec{
			"Id":        text,
			"Statement": {TypeSpec: schema.TypeSpec{Type: "array", Items: &anything}},
			"Version":   text,
		},
	}}}
}

// archive is code that the engine packs.
func archive() *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Name: "code", Asset: &tfbridge.AssetTranslation{
		Kind: tfbridge.FileArchive, Format: resource.ZIPArchive, HashField: "source_code_hash",
	}}
}

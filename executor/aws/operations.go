package aws

import (
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/org/imagebuild-action/planner"
)

func ib(s *services) *imagebuilder.Client      { return s.imagebuilder }
func store(s *services) *s3.Client             { return s.s3 }
func cw(s *services) *cloudwatchlogs.Client    { return s.logs }
func params(s *services) *ssm.Client           { return s.ssm }
func compute(s *services) *ec2.Client          { return s.ec2 }
func tokens(s *services) *sts.Client           { return s.sts }
func vault(s *services) *secretsmanager.Client { return s.secrets }

func access(s *services) *iam.Client           { return s.iam }
func quotas(s *services) *servicequotas.Client { return s.quotas }

func tags(s *services) *resourcegroupstaggingapi.Client { return s.tagging }

// operations are all calls this program makes. Adding one is adding its line. Of s3:PutObject the
// table knows all but the body, which is a file and no JSON: see put.
var operations = map[planner.Op]operation{ //nolint:gochecknoglobals // a table, never written
	"imagebuilder:CreateComponent":            op(ib, (*imagebuilder.Client).CreateComponent),
	"imagebuilder:GetComponent":               op(ib, (*imagebuilder.Client).GetComponent),
	"imagebuilder:ListComponents":             op(ib, (*imagebuilder.Client).ListComponents),
	"imagebuilder:ListComponentBuildVersions": op(ib, (*imagebuilder.Client).ListComponentBuildVersions),
	"imagebuilder:DeleteComponent":            op(ib, (*imagebuilder.Client).DeleteComponent),
	"imagebuilder:ImportComponent":            op(ib, (*imagebuilder.Client).ImportComponent),

	"imagebuilder:CreateImageRecipe": op(ib, (*imagebuilder.Client).CreateImageRecipe),
	"imagebuilder:GetImageRecipe":    op(ib, (*imagebuilder.Client).GetImageRecipe),
	"imagebuilder:ListImageRecipes":  op(ib, (*imagebuilder.Client).ListImageRecipes),
	"imagebuilder:DeleteImageRecipe": op(ib, (*imagebuilder.Client).DeleteImageRecipe),

	"imagebuilder:CreateContainerRecipe": op(ib, (*imagebuilder.Client).CreateContainerRecipe),
	"imagebuilder:GetContainerRecipe":    op(ib, (*imagebuilder.Client).GetContainerRecipe),
	"imagebuilder:ListContainerRecipes":  op(ib, (*imagebuilder.Client).ListContainerRecipes),
	"imagebuilder:DeleteContainerRecipe": op(ib, (*imagebuilder.Client).DeleteContainerRecipe),

	"imagebuilder:CreateInfrastructureConfiguration": op(ib, (*imagebuilder.Client).CreateInfrastructureConfiguration),
	"imagebuilder:GetInfrastructureConfiguration":    op(ib, (*imagebuilder.Client).GetInfrastructureConfiguration),
	"imagebuilder:ListInfrastructureConfigurations":  op(ib, (*imagebuilder.Client).ListInfrastructureConfigurations),
	"imagebuilder:UpdateInfrastructureConfiguration": op(ib, (*imagebuilder.Client).UpdateInfrastructureConfiguration),
	"imagebuilder:DeleteInfrastructureConfiguration": op(ib, (*imagebuilder.Client).DeleteInfrastructureConfiguration),

	"imagebuilder:CreateDistributionConfiguration": op(ib, (*imagebuilder.Client).CreateDistributionConfiguration),
	"imagebuilder:GetDistributionConfiguration":    op(ib, (*imagebuilder.Client).GetDistributionConfiguration),
	"imagebuilder:ListDistributionConfigurations":  op(ib, (*imagebuilder.Client).ListDistributionConfigurations),
	"imagebuilder:UpdateDistributionConfiguration": op(ib, (*imagebuilder.Client).UpdateDistributionConfiguration),
	"imagebuilder:DeleteDistributionConfiguration": op(ib, (*imagebuilder.Client).DeleteDistributionConfiguration),

	"imagebuilder:CreateImagePipeline":         op(ib, (*imagebuilder.Client).CreateImagePipeline),
	"imagebuilder:GetImagePipeline":            op(ib, (*imagebuilder.Client).GetImagePipeline),
	"imagebuilder:ListImagePipelines":          op(ib, (*imagebuilder.Client).ListImagePipelines),
	"imagebuilder:ListImagePipelineImages":     op(ib, (*imagebuilder.Client).ListImagePipelineImages),
	"imagebuilder:UpdateImagePipeline":         op(ib, (*imagebuilder.Client).UpdateImagePipeline),
	"imagebuilder:DeleteImagePipeline":         op(ib, (*imagebuilder.Client).DeleteImagePipeline),
	"imagebuilder:StartImagePipelineExecution": op(ib, (*imagebuilder.Client).StartImagePipelineExecution),

	"imagebuilder:CreateImage":            op(ib, (*imagebuilder.Client).CreateImage),
	"imagebuilder:GetImage":               op(ib, (*imagebuilder.Client).GetImage),
	"imagebuilder:ListImages":             op(ib, (*imagebuilder.Client).ListImages),
	"imagebuilder:ListImageBuildVersions": op(ib, (*imagebuilder.Client).ListImageBuildVersions),
	"imagebuilder:ListImagePackages":      op(ib, (*imagebuilder.Client).ListImagePackages),
	"imagebuilder:CancelImageCreation":    op(ib, (*imagebuilder.Client).CancelImageCreation),
	"imagebuilder:RetryImage":             op(ib, (*imagebuilder.Client).RetryImage),
	"imagebuilder:DistributeImage":        op(ib, (*imagebuilder.Client).DistributeImage),
	"imagebuilder:DeleteImage":            op(ib, (*imagebuilder.Client).DeleteImage),
	"imagebuilder:ImportVmImage":          op(ib, (*imagebuilder.Client).ImportVmImage),
	"imagebuilder:ImportDiskImage":        op(ib, (*imagebuilder.Client).ImportDiskImage),

	"imagebuilder:ListImageScanFindings":            op(ib, (*imagebuilder.Client).ListImageScanFindings),
	"imagebuilder:ListImageScanFindingAggregations": op(ib, (*imagebuilder.Client).ListImageScanFindingAggregations),

	"imagebuilder:CreateWorkflow":            op(ib, (*imagebuilder.Client).CreateWorkflow),
	"imagebuilder:GetWorkflow":               op(ib, (*imagebuilder.Client).GetWorkflow),
	"imagebuilder:ListWorkflows":             op(ib, (*imagebuilder.Client).ListWorkflows),
	"imagebuilder:ListWorkflowBuildVersions": op(ib, (*imagebuilder.Client).ListWorkflowBuildVersions),
	"imagebuilder:DeleteWorkflow":            op(ib, (*imagebuilder.Client).DeleteWorkflow),

	"imagebuilder:GetWorkflowExecution":       op(ib, (*imagebuilder.Client).GetWorkflowExecution),
	"imagebuilder:ListWorkflowExecutions":     op(ib, (*imagebuilder.Client).ListWorkflowExecutions),
	"imagebuilder:GetWorkflowStepExecution":   op(ib, (*imagebuilder.Client).GetWorkflowStepExecution),
	"imagebuilder:ListWorkflowStepExecutions": op(ib, (*imagebuilder.Client).ListWorkflowStepExecutions),
	"imagebuilder:ListWaitingWorkflowSteps":   op(ib, (*imagebuilder.Client).ListWaitingWorkflowSteps),
	"imagebuilder:SendWorkflowStepAction":     op(ib, (*imagebuilder.Client).SendWorkflowStepAction),

	"imagebuilder:CreateLifecyclePolicy": op(ib, (*imagebuilder.Client).CreateLifecyclePolicy),
	"imagebuilder:GetLifecyclePolicy":    op(ib, (*imagebuilder.Client).GetLifecyclePolicy),
	"imagebuilder:ListLifecyclePolicies": op(ib, (*imagebuilder.Client).ListLifecyclePolicies),
	"imagebuilder:UpdateLifecyclePolicy": op(ib, (*imagebuilder.Client).UpdateLifecyclePolicy),
	"imagebuilder:DeleteLifecyclePolicy": op(ib, (*imagebuilder.Client).DeleteLifecyclePolicy),

	"imagebuilder:GetLifecycleExecution":           op(ib, (*imagebuilder.Client).GetLifecycleExecution),
	"imagebuilder:ListLifecycleExecutions":         op(ib, (*imagebuilder.Client).ListLifecycleExecutions),
	"imagebuilder:ListLifecycleExecutionResources": op(ib, (*imagebuilder.Client).ListLifecycleExecutionResources),
	"imagebuilder:CancelLifecycleExecution":        op(ib, (*imagebuilder.Client).CancelLifecycleExecution),
	"imagebuilder:StartResourceStateUpdate":        op(ib, (*imagebuilder.Client).StartResourceStateUpdate),

	"imagebuilder:TagResource":         op(ib, (*imagebuilder.Client).TagResource),
	"imagebuilder:UntagResource":       op(ib, (*imagebuilder.Client).UntagResource),
	"imagebuilder:ListTagsForResource": op(ib, (*imagebuilder.Client).ListTagsForResource),

	"iam:GetRole":                     op(access, (*iam.Client).GetRole),
	"iam:GetInstanceProfile":          op(access, (*iam.Client).GetInstanceProfile),
	"iam:ListAttachedRolePolicies":    op(access, (*iam.Client).ListAttachedRolePolicies),
	"iam:SimulatePrincipalPolicy":     op(access, (*iam.Client).SimulatePrincipalPolicy),
	"servicequotas:GetServiceQuota":   op(quotas, (*servicequotas.Client).GetServiceQuota),
	"servicequotas:ListServiceQuotas": op(quotas, (*servicequotas.Client).ListServiceQuotas),
	"s3:HeadBucket":                   op(store, (*s3.Client).HeadBucket),
	"ec2:DescribeRegions":             op(compute, (*ec2.Client).DescribeRegions),
	"ec2:DescribeSubnets":             op(compute, (*ec2.Client).DescribeSubnets),
	"ec2:DescribeSecurityGroups":      op(compute, (*ec2.Client).DescribeSecurityGroups),
	"ec2:DescribeVpcs":                op(compute, (*ec2.Client).DescribeVpcs),
	"ec2:DescribeDhcpOptions":         op(compute, (*ec2.Client).DescribeDhcpOptions),

	"s3:PutObject":                  op(store, (*s3.Client).PutObject),
	"s3:HeadObject":                 op(store, (*s3.Client).HeadObject),
	"s3:ListObjectsV2":              op(store, (*s3.Client).ListObjectsV2),
	"s3:DeleteObject":               op(store, (*s3.Client).DeleteObject),
	"logs:GetLogEvents":             op(cw, (*cloudwatchlogs.Client).GetLogEvents),
	"logs:CreateLogGroup":           op(cw, (*cloudwatchlogs.Client).CreateLogGroup),
	"logs:CreateLogStream":          op(cw, (*cloudwatchlogs.Client).CreateLogStream),
	"logs:PutLogEvents":             op(cw, (*cloudwatchlogs.Client).PutLogEvents),
	"ssm:GetParameter":              op(params, (*ssm.Client).GetParameter),
	"ssm:GetParameters":             op(params, (*ssm.Client).GetParameters),
	"ec2:DescribeImages":            op(compute, (*ec2.Client).DescribeImages),
	"ec2:DeregisterImage":           op(compute, (*ec2.Client).DeregisterImage),
	"ec2:DescribeImageAttribute":    op(compute, (*ec2.Client).DescribeImageAttribute),
	"ec2:ModifyImageAttribute":      op(compute, (*ec2.Client).ModifyImageAttribute),
	"ec2:DescribeSnapshotAttribute": op(compute, (*ec2.Client).DescribeSnapshotAttribute),
	"ec2:ModifySnapshotAttribute":   op(compute, (*ec2.Client).ModifySnapshotAttribute),
	"tagging:GetResources":          op(tags, (*resourcegroupstaggingapi.Client).GetResources),

	"ssm:DescribeParameters":             op(params, (*ssm.Client).DescribeParameters),
	"ssm:GetParametersByPath":            op(params, (*ssm.Client).GetParametersByPath),
	"ec2:DescribeLaunchTemplateVersions": op(compute, (*ec2.Client).DescribeLaunchTemplateVersions),

	"secretsmanager:DescribeSecret": op(vault, (*secretsmanager.Client).DescribeSecret),
	"secretsmanager:GetSecretValue": op(vault, (*secretsmanager.Client).GetSecretValue),
	"sts:GetCallerIdentity":         op(tokens, (*sts.Client).GetCallerIdentity),
}

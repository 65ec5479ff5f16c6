// What `azd env get-values` says of the gateway, and what the policies need to know besides; see docs/apim/README.md.

using 'apim.bicep'

param serviceName = readEnvironmentVariable('APIM_SERVICE')
param streamUrl = readEnvironmentVariable('SERVICE_STREAM_URI')
param jobsUrl = readEnvironmentVariable('SERVICE_JOBS_URI')
param streamIdentity = readEnvironmentVariable('SERVICE_STREAM_CLIENT_ID')
param jobsIdentity = readEnvironmentVariable('SERVICE_JOBS_CLIENT_ID')
param cloud = readEnvironmentVariable('GATEWAY_CLOUD', 'AzureCloud')
param clientId = readEnvironmentVariable('APIM_CALLER')
param apiAudience = readEnvironmentVariable('APIM_AUDIENCE')
param gatewayAudience = readEnvironmentVariable('APIM_GATEWAY_AUDIENCE')
param modelsApiAudience = readEnvironmentVariable('APIM_MODELS_AUDIENCE')

// The gateway's APIs and policies in an API Management service that is there already, with its system-assigned identity.
// Deploy it into that service's resource group: az deployment group create --template-file infra/apim/apim.bicep

@description('Name of the API Management service. Not of the tier Consumption: it cannot stream.')
param serviceName string

@description('Address of the app stream (SERVICE_STREAM_URI), without a slash at its end.')
param streamUrl string

@description('Address of the app jobs (SERVICE_JOBS_URI), without a slash at its end.')
param jobsUrl string

@description('Tenant whose users and applications may call.')
param tenantId string = tenant().tenantId

@description('Client id of the application that may call.')
param clientId string

@description('What callers\' tokens must be for.')
param apiAudience string

@description('What this service\'s own tokens for the gateway are for; one of the gateway\'s GATEWAY_AUTH_AUDIENCES.')
param gatewayAudience string

@description('What the gateway\'s tokens for the API of the model backends are for: the scope= of its hosts, without /.default.')
param modelsApiAudience string

@description('Client id of the identity of the app stream.')
param streamIdentity string

@description('Client id of the identity of the app jobs.')
param jobsIdentity string

@description('Which Azure: infra/clouds.json holds the names that have no environment() value.')
@allowed(['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'])
param cloud string = 'AzureCloud'

@description('Scope of tokens for the model backends, without /.default.')
param modelAudience string = replace(loadJsonContent('../clouds.json')[cloud].modelScope, '/.default', '')

@description('Path of the gateway\'s API on this service; empty for its root.')
param apiPath string = ''

@description('Path of the API that routes to model backends: what the gateway\'s hosts point at.')
param modelsPath string = 'models'

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: serviceName
}

var values = {
  'gateway-stream-url': streamUrl
  'gateway-jobs-url': jobsUrl
  'gateway-tenant-id': tenantId
  'gateway-client-id': clientId
  'gateway-api-audience': apiAudience
  'gateway-audience': gatewayAudience
  'gateway-stream-identity': streamIdentity
  'gateway-jobs-identity': jobsIdentity
  'models-api-audience': modelsApiAudience
  'model-audience': modelAudience
  'model-backends': base64(string(loadJsonContent('model-backends.json')))
}

resource namedValues 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = [
  for value in items(values): {
    parent: service
    name: value.key
    properties: { displayName: value.key, value: value.value }
  }
]

var fragments = {
  'gateway-caller-identity': loadTextContent('fragments/caller-identity.xml')
  'gateway-pick-backend': loadTextContent('fragments/pick-backend.xml')
  'gateway-rest-backend': loadTextContent('fragments/rest-backend.xml')
  'gateway-come-again': loadTextContent('fragments/come-again.xml')
}

resource policyFragments 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = [
  for fragment in items(fragments): {
    parent: service
    name: fragment.key
    dependsOn: [namedValues]
    properties: { format: 'xml', value: fragment.value }
  }
]

resource gatewayApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'llm-gateway'
  properties: {
    displayName: 'LLM gateway'
    path: apiPath
    protocols: ['https']
    subscriptionRequired: false
    serviceUrl: streamUrl
  }
}

resource modelsApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'llm-gateway-models'
  properties: {
    displayName: 'LLM gateway: model backends'
    path: modelsPath
    protocols: ['https']
    subscriptionRequired: false
  }
}

var methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

resource operations 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for method in methods: {
    parent: gatewayApi
    name: 'any-${toLower(method)}'
    properties: { displayName: '${method} anything', method: method, urlTemplate: '/*' }
  }
]

resource modelOperations 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for method in methods: {
    parent: modelsApi
    name: 'any-${toLower(method)}'
    properties: { displayName: '${method} anything', method: method, urlTemplate: '/*' }
  }
]

var jobOperations = [
  { name: 'list-jobs', method: 'GET', url: '/jobs' }
  { name: 'read-job', method: 'GET', url: '/jobs/*' }
  { name: 'cancel-job', method: 'DELETE', url: '/jobs/*' }
  { name: 'change-job', method: 'PATCH', url: '/jobs/*' }
  // Batches, and events that are to be sent once more.
  { name: 'post-job', method: 'POST', url: '/jobs/*' }
]

resource jobs 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for operation in jobOperations: {
    parent: gatewayApi
    name: operation.name
    properties: { displayName: operation.name, method: operation.method, urlTemplate: operation.url }
  }
]

resource submission 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {
  parent: gatewayApi
  name: 'submit-job'
  properties: {
    displayName: 'submit-job'
    method: 'POST'
    urlTemplate: '/async/{*path}'
    templateParameters: [{ name: 'path', type: 'string', required: true }]
  }
}

resource gatewayPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: gatewayApi
  name: 'policy'
  dependsOn: [policyFragments]
  properties: { format: 'xml', value: loadTextContent('policies/stream.xml') }
}

resource modelsPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: modelsApi
  name: 'policy'
  dependsOn: [policyFragments]
  properties: { format: 'xml', value: loadTextContent('policies/models.xml') }
}

resource jobPolicies 'Microsoft.ApiManagement/service/apis/operations/policies@2024-05-01' = [
  for (operation, index) in jobOperations: {
    parent: jobs[index]
    name: 'policy'
    dependsOn: [policyFragments]
    properties: { format: 'xml', value: loadTextContent('policies/read-job.xml') }
  }
]

resource submissionPolicy 'Microsoft.ApiManagement/service/apis/operations/policies@2024-05-01' = {
  parent: submission
  name: 'policy'
  dependsOn: [policyFragments]
  properties: { format: 'xml', value: loadTextContent('policies/submit-job.xml') }
}

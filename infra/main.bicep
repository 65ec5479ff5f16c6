// The gateway in one resource group: two function apps and all that they need, without a secret.
// What a scenario means is in infra/scenarios/*.json; what differs between clouds is in infra/clouds.json.

targetScope = 'subscription'

import { cloud as cloudType } from 'types.bicep'

@description('Name of the azd environment; names of resources are made from it.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of everything. Flex Consumption must be offered there.')
param location string

@description('Size and network: infra/scenarios holds one parameter file for each.')
@allowed(['standard', 'performance', 'vnet'])
param scenario string = 'standard'

@description('Which Azure: infra/clouds.json holds the names that have no environment() value.')
@allowed(['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'])
param cloud string = 'AzureCloud'

@description('Backends as a JSON array of Host1, Host2, ... values; without one the apps would not start.')
param hosts string = '[]'

@description('More settings of docs/settings.md for both apps, as a JSON object of texts. No secrets: name a Key Vault reference instead.')
param gatewaySettings string = '{}'

@description('What access tokens must be for: application id URI and client id of the gateway\'s app registration, as a JSON array. Without one, callers show a function key.')
param audiences string = '[]'

@description('Client ids of the applications that may call, as a JSON array; "*" for all of the tenant.')
param callerApplications string = '[]'

@description('Client or object ids of callers that speak for others (API Management), as a JSON array.')
param trustedCallers string = '[]'

@description('Resource ids of model accounts that the apps may call with their identities, as a JSON array.')
param modelAccountIds string = '[]'

@description('Resource ids of the Key Vaults to whose secrets settings refer, as a JSON array.')
param vaultIds string = '[]'

@description('Where the course of jobs is kept: by the scenario, in storage, or in the Durable Task Scheduler.')
@allowed(['', 'storage', 'scheduler'])
param durable string = ''

@description('Addresses that may reach the Durable Task Scheduler, as a JSON array in CIDR form.')
param schedulerAllowlist string = '["0.0.0.0/0"]'

@description('Version of Node.js. Ask "az functionapp list-flexconsumption-runtimes" for what a region offers.')
param nodeVersion string = '22'

@description('How a deployment replaces what runs: Recreate ends it, RollingUpdate (a preview) lets it finish.')
@allowed(['Recreate', 'RollingUpdate'])
param updateStrategy string = 'Recreate'

@description('Addresses of the network in the scenario vnet; a /24 is enough.')
param addressPrefix string = '10.40.0.0/24'

@description('Days after which results are deleted that the gateway did not remove.')
param resultRetentionDays int = 30

@description('Resource ids of action groups that are told of alerts, as a JSON array.')
param alertActionGroupIds string = '[]'

@description('Days for which logs are kept.')
param logRetentionDays int = 30

var scenarios = {
  standard: loadJsonContent('scenarios/standard.json')
  performance: loadJsonContent('scenarios/performance.json')
  vnet: loadJsonContent('scenarios/vnet.json')
}
var chosen = scenarios[scenario]
var names cloudType = loadJsonContent('clouds.json')[cloud]
var document = loadJsonContent('lanes.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var usesScheduler = (empty(durable) ? chosen.durable : durable) == 'scheduler'
var isSchedulerOpen = usesScheduler && contains(json(schedulerAllowlist), '0.0.0.0/0')
var schedulerAddresses = chosen.isPrivate && isSchedulerOpen
  ? fail('GATEWAY_SCHEDULER_ALLOWLIST must name addresses in the scenario vnet: the scheduler is reached from outside.')
  : json(schedulerAllowlist)
// The platform names a function's scale group after the function; lanes.servicebus.ts makes the same name.
var topLane = sort(document.lanes, (a, b) => a.priority < b.priority)[0].name
var topLaneFunction = 'lane${join(map(split(topLane, '-'), part => '${toUpper(take(part, 1))}${skip(part, 1)}'), '')}'

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module network 'app/network.bicep' = if (chosen.isPrivate) {
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefix: addressPrefix
    cloud: names
  }
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    retentionInDays: logRetentionDays
    network: chosen.isPrivate ? network!.outputs.network : null
  }
}

module storage 'app/storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    skuName: chosen.storage.sku
    resultRetentionDays: resultRetentionDays
    network: chosen.isPrivate ? network!.outputs.network : null
  }
}

module serviceBus 'app/service-bus.bicep' = {
  scope: group
  params: {
    name: 'sb-${token}'
    location: location
    tags: tags
    skuName: chosen.messaging.sku
    capacity: chosen.messaging.capacity
    zoneRedundant: chosen.messaging.zoneRedundant
    cloud: names
    network: chosen.isPrivate ? network!.outputs.network : null
  }
}

module watch 'app/watch.bicep' = {
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    serviceBusName: serviceBus.outputs.name
    actionGroupIds: json(alertActionGroupIds)
  }
}

module configuration 'app/configuration.bicep' = {
  scope: group
  params: {
    name: 'appcs-${token}'
    location: location
    tags: tags
    network: chosen.isPrivate ? network!.outputs.network : null
  }
}

module scheduler 'app/scheduler.bicep' = if (usesScheduler) {
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    ipAllowlist: schedulerAddresses
  }
}

module streamIdentity 'app/identity.bicep' = {
  scope: group
  params: { name: 'id-stream-${token}', location: location, tags: tags }
}

module jobsIdentity 'app/identity.bicep' = {
  scope: group
  params: { name: 'id-jobs-${token}', location: location, tags: tags }
}

module streamRoles 'app/roles.bicep' = {
  scope: group
  params: {
    app: 'stream'
    principalId: streamIdentity.outputs.principalId
    storageName: storage.outputs.name
    serviceBusName: serviceBus.outputs.name
    insightsName: monitoring.outputs.insightsName
    configurationName: configuration.outputs.name
    schedulerName: ''
  }
}

module jobsRoles 'app/roles.bicep' = {
  scope: group
  params: {
    app: 'jobs'
    principalId: jobsIdentity.outputs.principalId
    storageName: storage.outputs.name
    serviceBusName: serviceBus.outputs.name
    insightsName: monitoring.outputs.insightsName
    configurationName: configuration.outputs.name
    schedulerName: usesScheduler ? scheduler!.outputs.name : ''
  }
}

module modelAccess 'app/model-access.bicep' = [
  for id in json(modelAccountIds): {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      accountName: last(split(id, '/'))
      principalIds: [streamIdentity.outputs.principalId, jobsIdentity.outputs.principalId]
    }
  }
]

module vaultAccess 'app/vault-access.bicep' = [
  for id in json(vaultIds): {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      vaultName: last(split(id, '/'))
      principalIds: [streamIdentity.outputs.principalId, jobsIdentity.outputs.principalId]
    }
  }
]

var givenSettings = json(gatewaySettings)
var namedHosts = toObject(range(0, length(json(hosts))), index => 'Host${index + 1}', index => json(hosts)[index])
// Said here, where somebody reads it: the apps would start again and again, and say it in their logs.
var hostSettings = contains(union(namedHosts, givenSettings), 'Host1')
  ? namedHosts
  : fail('GATEWAY_HOSTS names no backend: the apps would not start.')
var saysWhoMayCall = !empty(json(callerApplications)) || contains(givenSettings, 'GATEWAY_AUTH_ROLES')

var authenticationSettings = empty(json(audiences))
  ? { GATEWAY_AUTHENTICATION: 'function-key' }
  : {
      GATEWAY_AUTHENTICATION: 'entra'
      GATEWAY_AUTH_AUTHORITY: environment().authentication.loginEndpoint
      GATEWAY_AUTH_TENANTS: tenant().tenantId
      GATEWAY_AUTH_AUDIENCES: join(json(audiences), ',')
      GATEWAY_AUTH_APPS: saysWhoMayCall
        ? join(json(callerApplications), ',')
        : fail('GATEWAY_CALLER_APPLICATIONS must name who may call ("*" for all of the tenant), or GATEWAY_AUTH_ROLES in GATEWAY_SETTINGS a role.')
      GATEWAY_AUTH_TRUSTED_CALLERS: join(json(trustedCallers), ',')
    }

var sharedSettings = union(
  {
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__blobServiceUri: storage.outputs.blobEndpoint
    AzureWebJobsStorage__queueServiceUri: storage.outputs.queueEndpoint
    AzureWebJobsStorage__tableServiceUri: storage.outputs.tableEndpoint
    APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.insightsConnectionString
    AZURE_APPCONFIG_ENDPOINT: configuration.outputs.endpoint
    OAuthAudience: names.modelScope
    GATEWAY_EVENTS_NAMESPACE_SUFFIX: names.serviceBusSuffix
    // Nobody signs in on an instance: when its identity gets no token, no developer's tools are tried.
    AZURE_TOKEN_CREDENTIALS: 'prod'
    // The semi-space of Node 22, whichever Node runs it: see docs/benchmarks.md, Memory.
    NODE_OPTIONS: '--enable-source-maps --max-semi-space-size=16'
  },
  authenticationSettings,
  hostSettings,
  givenSettings
)

var durableSettings = usesScheduler
  ? {
      DURABLE_TASK_SCHEDULER: 'Endpoint=${scheduler!.outputs.endpoint};TaskHub=${scheduler!.outputs.hubName};Authentication=ManagedIdentity;ClientID=${jobsIdentity.outputs.clientId}'
      AzureFunctionsJobHost__extensions__durableTask__hubName: scheduler!.outputs.hubName
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER'
    }
  : {
      // Of 30 s by default: so long a job would lie in a quiet queue that another instance wrote to.
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__maxQueuePollingInterval: '00:00:02'
    }

module stream 'app/function-app.bicep' = {
  scope: group
  // Without its roles an app that starts cannot even read its own package.
  dependsOn: [streamRoles]
  params: {
    name: 'func-stream-${token}'
    location: location
    tags: tags
    service: 'stream'
    size: chosen.stream
    identity: { id: streamIdentity.outputs.id, clientId: streamIdentity.outputs.clientId }
    nodeVersion: nodeVersion
    updateStrategy: updateStrategy
    deploymentContainerUri: '${storage.outputs.blobEndpoint}package-stream'
    topLaneFunction: topLaneFunction
    network: chosen.isPrivate ? network!.outputs.network : null
    settings: union({ Workers: string(chosen.stream.workers) }, sharedSettings, {
      GATEWAY_ROLE: 'stream'
      AZURE_CLIENT_ID: streamIdentity.outputs.clientId
      AzureWebJobsStorage__clientId: streamIdentity.outputs.clientId
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${streamIdentity.outputs.clientId};Authorization=AAD'
    })
  }
}

module jobs 'app/function-app.bicep' = {
  scope: group
  dependsOn: [jobsRoles]
  params: {
    name: 'func-jobs-${token}'
    location: location
    tags: tags
    service: 'jobs'
    size: chosen.jobs
    identity: { id: jobsIdentity.outputs.id, clientId: jobsIdentity.outputs.clientId }
    nodeVersion: nodeVersion
    updateStrategy: updateStrategy
    deploymentContainerUri: '${storage.outputs.blobEndpoint}package-jobs'
    topLaneFunction: topLaneFunction
    network: chosen.isPrivate ? network!.outputs.network : null
    settings: union({ Workers: string(chosen.jobs.workers) }, sharedSettings, durableSettings, {
      GATEWAY_ROLE: 'jobs'
      AZURE_CLIENT_ID: jobsIdentity.outputs.clientId
      AzureWebJobsStorage__clientId: jobsIdentity.outputs.clientId
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${jobsIdentity.outputs.clientId};Authorization=AAD'
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__fullyQualifiedNamespace: serviceBus.outputs.fullyQualifiedNamespace
      ServiceBusConnection__clientId: jobsIdentity.outputs.clientId
    })
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_STREAM_NAME string = stream.outputs.name
output SERVICE_STREAM_URI string = stream.outputs.uri
output SERVICE_JOBS_NAME string = jobs.outputs.name
output SERVICE_JOBS_URI string = jobs.outputs.uri
output SERVICE_STREAM_CLIENT_ID string = streamIdentity.outputs.clientId
output SERVICE_JOBS_CLIENT_ID string = jobsIdentity.outputs.clientId
output SERVICE_BUS_NAMESPACE string = serviceBus.outputs.fullyQualifiedNamespace
output STORAGE_BLOB_ENDPOINT string = storage.outputs.blobEndpoint
output APP_CONFIGURATION_ENDPOINT string = configuration.outputs.endpoint

// What the identity of one app may do, by infra/roles.json, which says why. Data roles only: nobody
// manages anything.

@description('The app, as infra/roles.json names it.')
param app string
param principalId string
param storageName string
param serviceBusName string
param insightsName string
param configurationName string

@description('Empty where the storage account keeps the course of jobs.')
param schedulerName string

var document = loadJsonContent('../roles.json')
var roles = document.apps[app]

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource configuration 'Microsoft.AppConfiguration/configurationStores@2024-06-01' existing = {
  name: configurationName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = if (!empty(schedulerName)) {
  name: schedulerName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in objectKeys(roles.storage): {
    scope: storage
    name: guid(storage.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', document.definitions[role])
    }
  }
]

resource onServiceBus 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in objectKeys(roles.serviceBus): {
    scope: serviceBus
    name: guid(serviceBus.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', document.definitions[role])
    }
  }
]

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in objectKeys(roles.insights): {
    scope: insights
    name: guid(insights.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', document.definitions[role])
    }
  }
]

resource onConfiguration 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in objectKeys(roles.configuration): {
    scope: configuration
    name: guid(configuration.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', document.definitions[role])
    }
  }
]

resource onScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in objectKeys(roles.scheduler): if (!empty(schedulerName)) {
    scope: scheduler
    name: guid(scheduler.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', document.definitions[role])
    }
  }
]

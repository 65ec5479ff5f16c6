// Lets both apps call one model account with their identities.

param accountName string
param principalIds string[]

var document = loadJsonContent('../roles.json')

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' existing = {
  name: accountName
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in principalIds: {
    scope: account
    name: guid(account.id, principalId, 'models')
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        document.definitions['Cognitive Services OpenAI User']
      )
    }
  }
]

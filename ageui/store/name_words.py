"""Words that friendly run names are made of."""

_ADJECTIVES = """
amber ancient autumn azure bold bright brisk bronze calm candid clever cobalt copper coral crimson crisp curious
dapper dawn deft dusky eager early easy ebony elder emerald fair fast fleet fond frank fresh gentle gilded glad
golden grand green hardy hazel hidden honest humble indigo ivory jade jolly keen kind lavish light lively loyal
lucid lunar mellow merry mild misty modest neat nimble noble ochre olive opal pale patient pearl placid plucky
polite prime proud quick quiet rapid ready rosy royal ruby rustic sable sage scarlet serene sharp silent silver
sleek smooth snowy solar steady still stoic sunny swift tawny tender tidy topaz trusty umber upbeat velvet violet
vivid warm wise witty zesty
"""
_ANIMALS = """
adder albatross alpaca antelope avocet badger bat bear beaver bison bittern boar bobcat bream buzzard camel
caribou cat cheetah chough civet condor coot cormorant cougar coyote crane cricket crow curlew deer dingo dipper
dolphin dove duck dunlin eagle egret eider elk ermine falcon ferret finch fox gannet gazelle gecko gibbon goose
grebe grouse gull hare harrier hawk hedgehog heron hoopoe horse ibex ibis iguana impala jackal jackdaw jaguar jay
kestrel kingfisher kite kiwi koala lapwing lark lemur leopard linnet lion lizard lynx magpie marmot marten merlin
mole moose mouse newt nightjar ocelot okapi oriole osprey otter owl oyster panda panther partridge pelican
penguin petrel pheasant pika pipit plover puffin puma quail rabbit raven redwing robin rook salmon sandpiper
seal shrew skylark snipe sparrow squirrel starling stoat stork swallow swan tapir teal tern thrush tiger toad
toucan trout turtle viper vole walrus warbler weasel whale wolf wombat woodcock wren yak zebra
"""

ADJECTIVES = tuple(_ADJECTIVES.split())
ANIMALS = tuple(_ANIMALS.split())

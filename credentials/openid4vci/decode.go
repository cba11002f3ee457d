package openid4vci

import (
	"encoding/json"
	"strconv"

	"facet/credentials/jose"
)

// An object reads members of a strict JSON object by their exact names, and
// remembers the first that has the wrong kind. Unknown members are ignored, as
// the specification demands (§4.1.1, §12.2).
type object struct {
	members map[string]any
	wrong   *string // name of the first member of the wrong kind
}

func parseObject(text []byte, max int) (object, error) {
	members, err := jose.ParseObject(text, jose.Limits{MaxSize: max})
	return object{members, new(string)}, err
}

func (o object) fail(name string) {
	if *o.wrong == "" {
		*o.wrong = name
	}
}

// get returns the member, or the zero value if it is absent or null.
func get[T any](o object, name string) (value T) {
	v, there := o.members[name]
	if !there || v == nil {
		return value
	}
	value, ok := v.(T)
	if !ok {
		o.fail(name)
	}
	return value
}

func (o object) has(name string) bool { return o.members[name] != nil }

func (o object) text(name string) string { return get[string](o, name) }

// number returns a whole number from 0, or 0.
func (o object) number(name string) int {
	literal := get[json.Number](o, name)
	if literal == "" {
		return 0
	}
	n, err := strconv.ParseUint(string(literal), 10, 31)
	if err != nil {
		o.fail(name)
	}
	return int(n)
}

func (o object) object(name string) object {
	return object{get[map[string]any](o, name), o.wrong}
}

func (o object) texts(name string) []string {
	var list []string
	for _, v := range get[[]any](o, name) {
		s, ok := v.(string)
		if !ok {
			o.fail(name)
		}
		list = append(list, s)
	}
	return list
}

func (o object) objects(name string) []object {
	var list []object
	for _, v := range get[[]any](o, name) {
		members, ok := v.(map[string]any)
		if !ok {
			o.fail(name)
		}
		list = append(list, object{members, o.wrong})
	}
	return list
}

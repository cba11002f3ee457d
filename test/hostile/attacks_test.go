package hostile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"facet/credentials/jose"
	"facet/verifier"
)

// canary is in every hostile request, wherever it fits, and in no answer.
const canary = "eChO-cAnArY"

// attacks by HTTP, each one request; i varies them.
var attacks = map[string]func(s *siege, v *victim, i int) call{
	"garbage": func(_ *siege, v *victim, i int) call {
		return answer(v, formType, noise(i, 2000))
	},
	"no form": func(_ *siege, v *victim, i int) call {
		return answer(v, pick(i, "application/json", "text/plain; charset="+canary, "", "application/x-www-form-urlencoded-"+canary), []byte(`{"vp_token":{"member":["`+canary+`"]}}`))
	},
	"multipart": func(_ *siege, v *victim, _ int) call {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		_ = m.WriteField("response", canary) // into memory
		_ = m.Close()
		return answer(v, m.FormDataContentType(), b.Bytes())
	},
	"twice": func(_ *siege, v *victim, i int) call {
		good := string(v.seal())
		return answer(v, formType, []byte(good+pick(i, "&"+good, "&state=a&state="+canary, "&error=access_denied", "&vp_token="+canary)))
	},
	"downgrade": func(_ *siege, v *victim, _ int) call {
		token, err := json.Marshal(v.token)
		must(err)
		return answer(v, formType, []byte(url.Values{"vp_token": {string(token)}, "state": {v.State}}.Encode()))
	},
	"other state": func(_ *siege, v *victim, i int) call {
		return answer(v, formType, []byte(url.Values{"error": {"access_denied"}, "state": {pick(i, canary, "", v.Nonce)}, "error_description": {"<script>" + canary}}.Encode()))
	},
	"foreign key": func(_ *siege, v *victim, _ int) call {
		other, err := jose.GenerateKey()
		must(err)
		return answer(v, formType, encrypted(v, other.Public(), map[string]any{"vp_token": v.token, "state": v.State}))
	},
	"jwe header": func(_ *siege, v *victim, i int) call {
		header := pick(i, `{"alg":"RSA-OAEP","enc":"A256GCM"}`, `{"alg":"dir","enc":"A256GCM"}`, `{"alg":"ECDH-ES","enc":"A128CBC-HS256"}`,
			`{"alg":"ECDH-ES","enc":"A256GCM","zip":"DEF","kid":"`+canary+`"}`, `{"alg":"none"}`, strings.Repeat(`{"a":`, 4000))
		part := strings.Split(formValue(v.seal()), ".")
		part[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
		return answer(v, formType, form(strings.Join(part, ".")))
	},
	"flipped": func(_ *siege, v *victim, i int) call {
		jwe := []byte(formValue(v.seal()))
		jwe[i*7919%len(jwe)] ^= 1 << (i % 7)
		return answer(v, formType, form(string(jwe)))
	},
	"mutated": func(_ *siege, v *victim, i int) call {
		shown := []byte(v.token["member"][0])
		for n := range 1 + i%4 {
			at := (i*31 + n*977) % len(shown)
			shown[at] = pick[byte](i+n, 'A', '.', '~', 0xff, '"')
		}
		return answer(v, formType, encrypted(v, key(v), map[string]any{"vp_token": map[string]any{"member": []any{string(shown)}}, "state": v.State}))
	},
	"shapes": func(_ *siege, v *victim, i int) call {
		shown := v.token["member"][0]
		token := pick[any](i, map[string]any{"member": []any{shown, shown}}, map[string]any{canary: []any{shown}}, map[string]any{"member": shown},
			map[string]any{}, []any{shown}, canary, nil, 7, map[string]any{"member": []any{strings.Repeat("~", 3000)}}, map[string]any{"member": []any{canary + "." + canary + "." + canary + "~"}})
		return answer(v, formType, encrypted(v, key(v), map[string]any{"vp_token": token, "state": v.State}))
	},
	"deep": func(_ *siege, v *victim, i int) call {
		open, shut := pick(i, "[", `{"a":`), pick(i, "]", "}")
		deep := strings.Repeat(open, 9000) + "1" + strings.Repeat(shut, 9000)
		return answer(v, formType, sealed(v, key(v), []byte(`{"state":"`+v.State+`","vp_token":`+deep+`}`)))
	},
	"wide": func(_ *siege, v *victim, i int) call {
		many := pick(i, strings.Repeat(`"a",`, 40_000)+`"a"`, strings.Repeat("9", 150_000), `"`+strings.Repeat("~"+canary, 12_000)+`"`)
		return answer(v, formType, sealed(v, key(v), []byte(`{"state":"`+v.State+`","vp_token":{"member":[`+many+`]}}`)))
	},
	"bad utf-8": func(s *siege, v *victim, i int) call {
		if i%2 == 0 {
			return answer(v, formType, sealed(v, key(v), []byte("{\"state\":\"\xff\xfe\",\"vp_token\":{}}")))
		}
		return platform(s, keyUnder, "/v1/requests", "{\"policy\":\"\xc3\x28"+canary+"\"}")
	},
	"replayed": func(s *siege, _ *victim, i int) call {
		v := s.victims[i%(len(s.victims)/3)*3] // these were answered
		return answer(v, formType, v.done)
	},
	"misdirected": func(s *siege, v *victim, i int) call {
		at := slices.Index(s.victims, v)
		return answer(v, formType, s.victims[(at+1+i%(len(s.victims)-1))%len(s.victims)].seal())
	},
	"oversize": func(_ *siege, v *victim, i int) call {
		return answer(v, formType, append([]byte("response="), bytes.Repeat([]byte("A"), 257<<10+i)...))
	},
	"gzip bomb": func(_ *siege, v *victim, _ int) call {
		q := answer(v, formType, bomb())
		q.header = map[string]string{"Content-Encoding": "gzip"}
		return q
	},
	"random ids": func(s *siege, _ *victim, i int) call {
		id := pick(i, base64.RawURLEncoding.EncodeToString(noise(i, 16)), canary, strings.Repeat("A", 3000), "%00", "..%2f..%2f"+canary, "%ff")
		where := pick(i/6, "request", "response", "receipt", "withdraw")
		return call{method: "POST", url: s.url + "/wallet/" + where + "/" + id, media: pick(i/6, formType, formType, "application/jwt", "application/jwt"), body: []byte("a=" + canary)}
	},
	"wallet nonce": func(_ *siege, v *victim, i int) call {
		return call{method: "POST", url: v.link, media: pick(i, formType, "application/json"), body: []byte(pick(i, "wallet_nonce="+strings.Repeat(canary, 50), "{}", "wallet_nonce=a&wallet_nonce="+canary, "%zz="+canary))}
	},
	"forged proof": func(s *siege, v *victim, i int) call {
		where, act := v.offer.ReceiptEndpoint, "receipt"
		if i%2 == 0 {
			where, act = v.offer.WithdrawalEndpoint, "withdraw"
		}
		body := pick(i/2, forged(act, where), v.prove(s.w, act, s.url+"/wallet/"+canary), canary+"."+canary+"."+canary, strings.Repeat("a", 9000), "")
		return call{method: "POST", url: where, media: "application/jwt", body: []byte(body)}
	},
	"no key": func(s *siege, v *victim, i int) call {
		return platform(s, pick(i, "", canary, strings.Repeat(canary, 400), "Bearer"), pick(i, "/v1/requests", "/v1/requests/"+v.tx, "/v1/requests/"+v.tx+"/result"), `{"policy":"access"}`)
	},
	"another's key": func(s *siege, v *victim, i int) call {
		q := platform(s, keyOther, "/v1/requests/"+v.tx+pick(i, "/result", ""), `{"response_code":"`+canary+`"}`)
		if i%2 == 1 {
			q.method = "GET"
		}
		return q
	},
	"guessed code": func(s *siege, v *victim, i int) call {
		return platform(s, keyUnder, "/v1/requests/"+v.tx+"/result", pick(i, `{"response_code":"`+canary+`"}`, `{}`, `{"response_code":null}`, `{"response_code":7}`))
	},
	"bad wishes": func(s *siege, _ *victim, i int) call {
		q := platform(s, keyUnder, "/v1/requests", pick(i, `{"policy":"`+canary+`"}`, `{"policy":"access","policy":"access"}`, `{"policy":"access","query":"`+canary+`"}`,
			`{"policy":"access","return_uri":"https://`+canary+`.example/"}`, `{"POLICY":"access"}`, `{"policy":"access","flow":"`+canary+`"}`, strings.Repeat(`[`, 30_000), `null`, ``, `{"policy":"access"}`+canary))
		q.header = map[string]string{"Idempotency-Key": strings.Repeat(canary, i%40)}
		return q
	},
	"from a browser": func(s *siege, _ *victim, i int) call {
		q := platform(s, keyUnder, "/v1/requests", `{"policy":"access"}`)
		q.header = map[string]string{"Sec-Fetch-Site": pick(i, "cross-site", "same-site", canary), "Origin": "https://" + canary + ".example"}
		return q
	},
	"hint tokens": func(s *siege, v *victim, i int) call {
		return platform(s, pick(i, canary, v.tx, base64.RawURLEncoding.EncodeToString(noise(i, 16)), path.Base(v.ResponseURI)), "/ofrep/v1/evaluate/flags", pick(i, "{}", strings.Repeat("[", 30_000), canary))
	},
	"methods": func(s *siege, v *victim, i int) call {
		return call{method: pick(i, "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"), url: pick(i/5, v.ResponseURI, s.url+"/v1/requests", s.url+"/ofrep/v1/evaluate/flags", s.url+"/log/checkpoint"), key: keyOther, body: []byte(canary)}
	},
	"paths": func(s *siege, _ *victim, i int) call {
		return call{method: "GET", url: s.url + pick(i, "/wp-login.php?"+canary, "/."+canary+"/config", "/wallet/"+canary, "/audit/../../"+canary, "/metrics", "/log/tile/0/x999/999", "/log/..%2f..%2fkeys", "/ofrep/v1/"+canary, "/v1/"+canary)}
	},
	"headers": func(_ *siege, v *victim, i int) call {
		q := answer(v, formType, []byte("response="+canary))
		q.header = map[string]string{"X-" + canary: strings.Repeat("a", 12<<10+i%(20<<10))}
		return q
	},
}

var names = slices.Sorted(maps.Keys(attacks))

// connections are attacks below HTTP.
var connections = []string{"cut off", "slow header", "slow body", "reset", "no http", "abandoned stream"}

// pick chooses by turns.
func pick[T any](i int, of ...T) T { return of[i%len(of)] }

// noise is the same for the same i.
func noise(i, size int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	b := make([]byte, size)
	for j := range b {
		b[j] = byte(r.UintN(256))
	}
	return b
}

func answer(v *victim, media string, body []byte) call {
	return call{method: "POST", url: v.ResponseURI, media: media, body: body}
}

func platform(s *siege, key, path, body string) call {
	return call{method: "POST", url: s.url + path, key: key, media: "application/json", body: []byte(body)}
}

func key(v *victim) *jose.PublicKey { return v.ClientMetadata.Keys[0].Key }

func form(jwe string) []byte { return []byte(url.Values{"response": {jwe}}.Encode()) }

func formValue(body []byte) string {
	values, err := url.ParseQuery(string(body))
	must(err)
	return values.Get("response")
}

func encrypted(v *victim, to *jose.PublicKey, payload map[string]any) []byte {
	text, err := json.Marshal(payload)
	must(err)
	return sealed(v, to, text)
}

func sealed(v *victim, to *jose.PublicKey, text []byte) []byte {
	jwe, err := jose.Encrypt(text, to, jose.EncryptOptions{Kid: v.ClientMetadata.Keys[0].Kid, Enc: "A256GCM"})
	must(err)
	return form(jwe)
}

// forged is a proof that is right but for who signed it.
func forged(act, endpoint string) string {
	other, err := jose.GenerateKey()
	must(err)
	payload, err := json.Marshal(map[string]any{"aud": endpoint, "act": act, "iat": time.Now().Unix()})
	must(err)
	proof, err := jose.Sign(context.Background(), other, map[string]any{"typ": verifier.ProofType, "jwk": other.Public().JWK()}, payload)
	must(err)
	return proof
}

// bomb is 64 MiB of zeros, compressed.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 64<<20)) // into memory
	_ = z.Close()
	return b.Bytes()
})

